"""Colours of Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), for plots and the report.

People with the common colour blindnesses can tell them apart.
"""

BLACK = "#000000"
BLUE = "#0072B2"
SKY_BLUE = "#56B4E9"
VERMILLION = "#D55E00"
