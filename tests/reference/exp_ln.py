#!/usr/bin/env python3
"""e^x and ln x in decimal arithmetic of 80 digits, over the whole range of float64. Writes exp_ln.txt.

A line is a function and three float64 as hexadecimal bits: x, the nearest number to the value, and the nearest to what that
leaves. Together the two are right to some 2^-105 of the value (to 2^-1074 where that is more), so that errors can be told in
thousandths of a unit in the last place. Points: regular ones over all of the range, random ones, and the ends of reductions,
multiples and halves of ln 2 for e^x, powers of two and of their roots for ln x, each with its neighbours.
"""
import pathlib
import random
import struct
from decimal import Decimal, getcontext

getcontext().prec = 80
LN2 = Decimal(2).ln()


def bits(x):
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def number(pattern):
    return struct.unpack("<d", struct.pack("<Q", pattern))[0]


def neighbours(x):
    return [x, number(bits(x) - 1), number(bits(x) + 1)]


def exp_points(draw):
    points = [-745.1 + 1454.8 * i / 199 for i in range(200)]
    points += [sign * 10.0**-exponent for exponent in range(0, 20, 2) for sign in (1, -1)]
    for k in (-1074, -1022, -700, -51, -3, -2, -1, 1, 2, 3, 52, 700, 1023):
        points += neighbours(float(k * LN2)) + neighbours(float((k + Decimal("0.5")) * LN2))
    points += [draw.uniform(-708.0, 709.0) for _ in range(150)] + [draw.uniform(-1.0, 1.0) for _ in range(150)]
    return [x for x in points if -745.13 < x < 709.78]


def ln_points(draw):
    points = [number(draw.getrandbits(52) | exponent << 52) for exponent in range(0, 2047, 10)]
    points += [1.0 + sign * 2.0**-exponent for exponent in range(1, 53, 3) for sign in (1, -1)]
    for x in (0.5, 1.0, 2.0, 2**0.5, 2**-0.5, 2.0**-1022, 2.0**1000):
        points += neighbours(x)
    points += [draw.uniform(0.0, 2.0) for _ in range(150)] + [5e-324, 1.7976931348623157e308]
    return [x for x in points if x > 0.0]


def line(name, x, value):
    nearest = float(value)
    rest = float(value - Decimal(nearest))
    return f"{name} {bits(x):016x} {bits(nearest):016x} {bits(rest):016x}\n"


def main():
    draw = random.Random(1)
    lines = [line("exp", x, Decimal(x).exp()) for x in exp_points(draw)]
    lines += [line("ln", x, Decimal(x).ln()) for x in ln_points(draw)]
    pathlib.Path(__file__).with_name("exp_ln.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
