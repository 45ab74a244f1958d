#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes four weeks of an office server's disk as CSV, for `ebb simulate`: working hours with a dip
at noon, a batch job each night at two, quieter weekends. The same numbers each time.

usage: bench/office.py > office.csv
"""
import math
import random

DAYS, STEP, START = 28, 300, 1789948800


def load(chance, moment):
    """The load at that second, in no unit."""
    hour = moment % 86400 / 3600
    work = math.exp(-((hour - 10.5) / 2.2) ** 2) + 0.9 * math.exp(-((hour - 15) / 2.0) ** 2)
    weekend = (moment // 86400 + 3) % 7 >= 5
    batch = 0.8 * (0.9 + 0.2 * chance.random()) if 2 <= hour < 3.2 else 0
    return (0.03 + 0.75 * work * (0.25 if weekend else 1) + batch) * math.exp(chance.gauss(0, 0.25))


def main():
    chance = random.Random(7)
    print("time,value")
    for moment in range(START, START + DAYS * 86400, STEP):
        print(f"{moment},{load(chance, moment):.4f}")


if __name__ == "__main__":
    main()
