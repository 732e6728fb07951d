"""Writes the files of the tests to the folder that is named as argument."""

import os
import sys

import h5py
import numpy as np

FOLDER = sys.argv[1]
SHAPES = {1: (1000,), 2: (37, 5), 3: (7, 4, 3), 4: (5, 1, 2, 3)}
DTYPES = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def numbers(dtype, shape):
    """The same as `number` in the test: element i is 7 i modulo 101."""
    return (np.arange(np.prod(shape)) * 7 % 101).astype(dtype).reshape(shape)


with h5py.File(os.path.join(FOLDER, "good.h5"), "w") as file:
    for dtype in DTYPES:
        for axes, shape in SHAPES.items():
            file[f"{dtype}/{axes}"] = numbers(dtype, shape)
    file["big-endian"] = numbers(">f8", (37, 5))
    file.create_dataset("packed", data=numbers("f4", (500, 40)), chunks=(64, 16), compression="gzip", shuffle=True)
    file["no rows"] = np.zeros((0, 3))
    file["no columns"] = np.zeros((3, 0))
    # Of types that are no numbers, or that Rust has not.
    file["bool"] = np.array([True, False])
    file["half"] = np.zeros(3, dtype="f2")
    file["text"] = "a text"
    file["scalar"] = 1.5

with open(os.path.join(FOLDER, "other.h5"), "w", encoding="ascii") as file:
    file.write("no HDF5")
