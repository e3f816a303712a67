#!/usr/bin/env python3
"""Compares two arrays of outputs, one row an image: largest difference, and equal best classes.

    bench/compare_outputs.py y.npy NAME_public_logits.npz

Takes .npy files of float32, and .npz files of which the array of two dimensions counts. Needs
nothing but Python.
"""
import array
import ast
import io
import struct
import sys
import zipfile


def read_npy(stream):
    if stream.read(6) != b"\x93NUMPY":
        raise ValueError("no .npy file")
    major, _ = stream.read(2)
    size = struct.unpack("<H" if major == 1 else "<I", stream.read(2 if major == 1 else 4))[0]
    header = ast.literal_eval(stream.read(size).decode("latin1"))
    if header["descr"] != "<f4" or header["fortran_order"]:
        return None
    values = array.array("f", stream.read())
    if sys.byteorder == "big":
        values.byteswap()
    return header["shape"], values


def read(path):
    if not path.endswith(".npz"):
        with open(path, "rb") as stream:
            arrays = [read_npy(stream)]
    else:
        with zipfile.ZipFile(path) as archive:
            arrays = [read_npy(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    found = [a for a in arrays if a is not None and len(a[0]) >= 2]
    if len(found) != 1:
        raise SystemExit(f"{path}: expected one array of float32 rows, found {len(found)}")
    shape, values = found[0]
    width = len(values) // shape[0]
    return [values[i * width : (i + 1) * width] for i in range(shape[0])]


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    ours, theirs = read(sys.argv[1]), read(sys.argv[2])
    if len(ours) != len(theirs) or any(len(a) != len(b) for a, b in zip(ours, theirs)):
        raise SystemExit(f"{len(ours)} rows and {len(theirs)}, or rows of other lengths")
    worst = max(abs(x - y) for a, b in zip(ours, theirs) for x, y in zip(a, b))
    largest = max(abs(x) for b in theirs for x in b)
    best = sum(a.index(max(a)) == b.index(max(b)) for a, b in zip(ours, theirs))
    print(f"{len(ours)} images, largest difference {worst:.2e} of values up to {largest:.1f}, "
          f"best class equal in {best}")


if __name__ == "__main__":
    main()
