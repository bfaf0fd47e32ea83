"""Writes student_t.json: Student's t from SciPy in float64.

usage: pip install scipy==1.17.1; python3 student_t.py > student_t.json

tails: [t, df, P(|T| > t)]. critical: [level, df, t].
"""
import json
import sys

from scipy.stats import t as student

freedom = [*range(1, 41), 60, 99, 100, 101, 150, 199, 871, 4999, 100000]
json.dump({
    "tails": [[x, df, 2 * student.sf(x, df)] for df in (1, 2, 3, 7, 19, 100, 101, 4999) for x in (0.001, 0.5, 1.7, 1.8, 3.0, 12.0)],
    "critical": [[level, df, student.isf(level / 2, df)] for df in freedom for level in (0.9, 0.4, 0.05, 0.05 / 3, 1e-6)],
}, sys.stdout)
