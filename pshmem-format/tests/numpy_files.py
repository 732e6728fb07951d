"""The other side of `numpy.rs`: writes files whose headers are read there, and opens files that were written there."""

import io
import sys
import warnings
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}


def notation(dtype):
    """A dtype as `numpy.rs` writes it."""
    if dtype.names is None:
        bits = f"{KINDS[dtype.kind]}{8 * dtype.itemsize}"
        if dtype.itemsize == 1:
            return bits
        little = dtype.str[0] == "<"
        return f"{bits} {'little' if little else 'big'}"
    text = "{"
    for name in dtype.names:
        field, offset = dtype.fields[name][:2]
        extents = ()
        while field.subdtype is not None:
            field, inner = field.subdtype
            extents += inner
        text += f"{name.encode().hex()}@{offset}: {notation(field)}"
        text += "".join(f" x{extent}" for extent in extents) + "; "
    return text + "}" + str(dtype.itemsize)


def describe(dtype, fortran_order, shape, data_at):
    return f"{notation(dtype)}\t{int(fortran_order)}\t{list(shape)}\t{data_at}"


def dtypes():
    """Everything that is supported."""
    for order in "<>":
        for name in "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split():
            yield np.dtype(order + name)
    yield np.dtype("?")
    yield np.dtype([("a", "<f8"), ("b", ">i4", (3,)), ("c", "?")])
    yield np.dtype([("a", "u1"), ("b", "<f8"), ("c", "u1")], align=True)
    yield np.dtype([(("a title", "a"), "<f8"), (("other", "b"), "u1")])
    yield np.dtype([("x", [("y", ">c8", (2,)), ("z", "i1")], (2, 1)), ("w", "<u2")], align=True)
    yield np.dtype([("a", np.dtype((np.dtype(("<f8", (3,))), (2,))))])
    yield np.dtype({"names": ["a", "b"], "formats": ["u1", "<f4"], "offsets": [3, 8], "itemsize": 20})
    yield np.dtype([("it's", "u1"), ('"', "u1"), ("'\"\\", "u1"), ("\n\t\x01", "u1"), ("größe", "u1"), ("", "u1")])
    yield np.dtype([])
    yield np.dtype({"names": [], "formats": [], "itemsize": 8})
    nested = np.dtype("<f8")
    for depth in range(31):
        nested = np.dtype([(f"level{depth}", nested)])
    yield nested


def unicode_dtypes():
    """Names that only version 3.0 can have."""
    yield np.dtype([("α", "<f8"), ("😀", ">i2", (2,)), ("\u2028", "u1")])


def unsupported():
    """A dtype, and the part of it that the message names."""
    for name in "<U5 |S3 |O <M8[ns] <m8[s] |V8 <f16 <c32".split():
        yield np.dtype(name), name
    yield np.dtype([("a", "<f8"), ("b", "<U2")]), "<U2"
    yield np.dtype([("a", "|V4")]), "|V4"


def arrays(dtype):
    """Shapes and orders."""
    for shape in [(), (3,), (3, 4), (0,), (2, 0, 3), (1, 2, 3, 1)]:
        yield np.zeros(shape, dtype)
    yield np.zeros((3, 4), dtype, order="F")
    yield np.zeros((6, 4), dtype)[::2, ::3]


def write(folder):
    number = 0

    def save(array, version, expected=None):
        nonlocal number
        name = f"{number}.npy"
        number += 1
        with open(folder / name, "wb") as file:
            npy.write_array(file, array, version=version)
        with open(folder / name, "rb") as file:
            read = npy.read_magic(file)
            assert version is None or read == version
            npy._read_array_header(file, read, max_header_size=10**9)
            data_at = file.tell()
        if expected is None:
            fortran = array.flags.f_contiguous and not array.flags.c_contiguous
            expected = describe(array.dtype, fortran, array.shape, data_at)
        print(f"{name}\t{expected}")

    for dtype in dtypes():
        for array in arrays(dtype):
            for version in [(1, 0), (2, 0), (3, 0), None]:
                save(array, version)
    for dtype in unicode_dtypes():
        for array in arrays(dtype):
            save(array, (3, 0))
            save(array, None)
    # Longer than version 1.0 can be.
    save(np.zeros(2, [(f"field_{i}", "<f4") for i in range(5000)]), None)
    for dtype, name in unsupported():
        save(np.zeros(2, dtype), (1, 0), f"unsupported {name}")
    python_2(folder)


def python_2(folder):
    """Headers as old versions wrote them: long integers, other alignment, any order of the keys."""
    cases = {
        "long": "{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 4L), }",
        "one": "{'descr': '<f8', 'fortran_order': False, 'shape': (12L,), }",
        "keys": "{'shape': (3, 4), 'fortran_order': True, 'descr': '<f8'}",
    }
    for name, text in cases.items():
        text += " " * (-(len(text) + 11) % 16) + "\n"
        content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(96)
        (folder / name).write_bytes(content)
        # numpy reads them, too, and warns that it has to.
        loaded = np.load(folder / name)
        fortran = name == "keys"
        print(f"{name}\t{describe(loaded.dtype, fortran, loaded.shape, len(content) - 96)}")


def read(folder):
    files = 0
    for line in (folder / "list").read_text().splitlines():
        name, expected = line.split("\t", 1)
        content = (folder / name).read_bytes()
        data_at = int(expected.rsplit("\t", 1)[1])
        array = np.load(folder / name, mmap_mode="r", max_header_size=10**9)
        assert isinstance(array, np.memmap), name
        found = describe(array.dtype, False, array.shape, data_at)
        assert found == expected, f"{name}: {found} is not {expected}"
        assert array.tobytes() == content[data_at:], name
        # Byte for byte what numpy would write.
        header = io.BytesIO()
        fields = {"descr": npy.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
        npy._write_array_header(header, fields, None)
        assert header.getvalue() == content[:data_at], f"{name}: {content[:data_at]!r} is not {header.getvalue()!r}"
        files += 1
    print(f"{files} files")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
