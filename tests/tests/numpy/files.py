"""The other side of `main.rs`: opens files that were saved there, and writes files that are loaded there."""

import json
import sys
from pathlib import Path

import numpy as np
import scipy.sparse

LINE = np.dtype([("frequency", "<f8"), ("levels", "<u4", (2,))])


def opened(folder, name, dtype, shape):
    """A file, mapped into memory, of this dtype and shape."""
    array = np.load(folder / f"{name}.npy", mmap_mode="r")
    assert array.dtype == np.dtype(dtype), (name, array.dtype)
    assert array.shape == shape, (name, array.shape)
    return array


def check(folder):
    """The values of `model` in `main.rs`."""
    model = folder / "model"
    grid = opened(model, "map", "<f4", (4, 6))
    assert all(grid[i, j] == 10 * i + j for i in range(4) for j in range(6))
    assert (opened(model, "waves", "<c16", (5,)) == 1 - 2j).all()
    lines = opened(model, "lines", LINE, (3,))
    assert lines["frequency"].tolist() == [0.5, 1.5, 2.5]
    assert lines["levels"].tolist() == [[0, 0], [1, 2], [2, 4]]
    assert opened(model, "is_star", "?", (3,)).tolist() == [True, False, True]
    assert (opened(model, "particles/place", "<f8", (7, 3)) == [1, 2, 3]).all()
    assert (opened(model, "particles/charge", "i1", (7,)) == -1).all()
    name = opened(model, "inner/name", "<u4", (3,))
    assert "".join(map(chr, name)) == "aß𝄞"
    assert opened(model, "inner/count", "<u8", ()) == 42
    links = model / "links"
    parts = [np.load(links / f"{name}.npy", mmap_mode="r") for name in ("data", "indices", "indptr")]
    matrix = scipy.sparse.csr_matrix(tuple(parts), shape=np.load(links / "shape.npy"))
    assert matrix.has_canonical_format and matrix.nnz == 3
    assert matrix.toarray().tolist() == [[0, 1.5, 0, 0], [0, 0, 0, 0], [2.5, 0, 0, -1]]
    offsets = opened(model, "tracks/offsets", "<u8", (4,))
    items = opened(model, "tracks/items", "<f4", (3,))
    assert [row.tolist() for row in np.split(items, offsets[1:-1])] == [[1, 2], [], [3]]
    names = opened(model, "names/bytes", "u1", (8,)).tobytes()
    offsets = opened(model, "names/offsets", "<u8", (3,))
    assert [names[a:b].decode() for a, b in zip(offsets, offsets[1:])] == ["Genève", "x"]
    assert opened(model, "title", "u1", (4,)).tobytes() == "𝄞".encode()
    keys = opened(model, "numbers/keys", "<u4", (2,)).tolist()
    assert dict(zip(keys, opened(model, "numbers/values", "<f8", (2,)).tolist())) == {7: 0.5, 3: 1.5}
    schema = json.loads((model / "schema.json").read_text())
    files = sorted(str(path.relative_to(model)) for path in model.rglob("*.npy"))
    assert sorted(field["file"] for field in schema["fields"]) == files
    for field in schema["fields"]:
        array = np.load(model / field["file"])
        assert list(array.shape) == field["shape"], field
        assert array.nbytes == field["bytes"], field


def write(folder):
    """What `main.rs` loads."""

    def save(name, array, version=None):
        with open(folder / f"{name}.npy", "wb") as file:
            np.lib.format.write_array(file, array, version=version)

    cube = np.fromfunction(lambda i, j, k: 100 * i + 10 * j + k, (4, 5, 6)).astype("<i8")
    save("c", cube)
    save("fortran", np.asfortranarray(cube))
    save("big", cube.astype(">i8"))
    save("fortran_big", np.asfortranarray(cube.astype(">i8")))
    save("version_2", cube, (2, 0))
    save("version_3", cube, (3, 0))
    lines = [(i + 0.5, (i, 2 * i)) for i in range(3)]
    save("lines", np.array(lines, dtype=LINE.newbyteorder(">")))
    save("waves", np.full(9, 0.5 - 0.25j))
    save("scalar", np.float32(2.5))
    save("empty", np.zeros((0, 3), "u1"))
    save("bools", np.array([True, False]))
    matrix = scipy.sparse.csr_matrix([[0, 1.5, 0, 0], [0, 0, 0, 0], [2.5, 0, 0, -1]])
    (folder / "matrix").mkdir()
    save("matrix/data", matrix.data)
    save("matrix/indices", matrix.indices.astype("<u4"))
    save("matrix/indptr", matrix.indptr.astype("<u8"))
    save("matrix/shape", np.array(matrix.shape, "<u8"))


def compile_blocks(folder):
    """The Python code in the pages of the guide."""
    blocks = 0
    for page in sorted(folder.glob("*.md")):
        for block in page.read_text().split("```python\n")[1:]:
            compile(block.split("```")[0], str(page), "exec")
            blocks += 1
    assert blocks > 0, folder


{"open": check, "write": write, "compile": compile_blocks}[sys.argv[1]](Path(sys.argv[2]))
