"""The verbs of the command line, one file each. Importing them is cheap: heavy rooms are imported when a verb runs."""
