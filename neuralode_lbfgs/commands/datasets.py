"""`datasets`: what comes with the package."""

import textwrap


def datasets() -> int:
    """List the bundled data sets."""
    from ..data import dataset_card, dataset_names, load_dataset
    from ..outputs.screen import WIDTH

    rows = [("name", "rows", "runs", "states", "title")]
    for name in dataset_names():
        data = load_dataset(name)
        number = str(sum(run.ts.size for run in data))
        rows.append((name, number, str(len(data)), str(data.state_size), dataset_card(name).title))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for name, *numbers, title in rows:
        cells = "  ".join(f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=True))
        start = f"{name:<{widths[0]}}  {cells}  "
        print(textwrap.fill(title, WIDTH, initial_indent=start, subsequent_indent=" " * len(start)))
    return 0
