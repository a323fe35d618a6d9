"""Trajectories, the files they come from, and the bundled data sets."""

from .arrange import from_trajectories, predictions_table, to_trajectories
from .bundled import Card, dataset_card, dataset_names, dataset_path, load_dataset
from .cells import Column, Table
from .clock import Clock
from .describe import describe
from .errors import DataError, counted, did_you_mean
from .frames import table_from_frame
from .left_out import without_outliers
from .roles import Roles, infer_roles
from .rows import rows_by_trajectory
from .several import expanded
from .stretches import with_stretches
from .tables import from_arrays, from_frame, read_csv, read_table, read_tables, write_csv, write_table
from .trajectories import Trajectories
from .trajectory import Trajectory

__all__ = [
    "Card",
    "Clock",
    "Column",
    "DataError",
    "Roles",
    "Table",
    "Trajectories",
    "Trajectory",
    "counted",
    "dataset_card",
    "dataset_names",
    "dataset_path",
    "describe",
    "did_you_mean",
    "expanded",
    "from_arrays",
    "from_frame",
    "from_trajectories",
    "infer_roles",
    "load_dataset",
    "predictions_table",
    "read_csv",
    "read_table",
    "read_tables",
    "rows_by_trajectory",
    "table_from_frame",
    "to_trajectories",
    "with_stretches",
    "without_outliers",
    "write_csv",
    "write_table",
]
