"""Seeds of the corpora: small valid files, and the ways in which files go wrong.

Needs numpy and safetensors (`pip install numpy safetensors`); run in this folder. The corpora hold these files and what
fuzzing added to them.
"""

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

rng = np.random.default_rng(5)


def put(target, name, data):
    folder = Path("corpus") / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def chain(widths, names, dtype=np.float64, bias=True):
    tensors = {}
    for name, n, m in zip(names, widths, widths[1:]):
        tensors[f"{name}.weight"] = rng.normal(size=(m, n)).astype(dtype)
        if bias:
            tensors[f"{name}.bias"] = rng.normal(size=m).astype(dtype)
    return tensors


def raw(header, values=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


entry = {"dtype": "F64", "shape": [1, 1], "data_offsets": [0, 8]}
one = struct.pack("<d", 0.5)
widths = {"neuromanifold.widths": "2,2,1", "neuromanifold.activations": "tanh,identity"}
for name, data in {
    "sequential": save(chain([2, 3, 1], ["0", "2"]), metadata={"format": "pt"}),
    "described": save(chain([2, 2, 1], ["0", "2"]), metadata=widths | {"neuromanifold.likelihood": "gaussian:0.5"}),
    "likelihood": save(chain([1, 2], ["0"]), metadata={"neuromanifold.likelihood": "categorical"}),
    "contradiction": save(chain([2, 3, 1], ["0", "2"]), metadata=widths),
    "f32": save(chain([1, 2, 1], ["net.0", "net.2"], np.float32)),
    "f16": save(chain([1, 2], ["net.0"], np.float16)),
    "named": save(chain([2, 3, 1], ["fc1", "out"])),
    "modules": save(chain([1, 1, 1], ["b", "a"]), metadata={"neuromanifold.modules": '["b","a"]', "neuromanifold.activations": "relu,identity"}),
    "no_bias": save(chain([2, 1], ["0"], bias=False)),
    "alone": save({"weight": np.ones((1, 2)), "bias": np.zeros(1)}),
    "two": save(chain([1, 1], ["a.0"]) | chain([1, 1], ["b.0"])),
    "mismatch": save(chain([1, 2], ["0"]) | chain([1, 1], ["2"])),
    "nan": save({"0.weight": np.full((1, 1), np.nan)}),
    "integers": save({"0.weight": np.ones((1, 1), np.int64)}),
    "batch_norm": save({"1.num_batches_tracked": np.array(3)}),
    "convolution": save({"0.weight": np.ones((1, 1, 1, 1))}),
    "zero": save({"0.weight": np.ones((0, 3))}),
    "scalar": save({"0.weight": np.array(1.0)}),
    "no_tensors": raw({}),
    "long_header": struct.pack("<Q", 2**63) + b"{}",
    "overflow": raw({"0.weight": entry | {"shape": [2**63, 2**63]}}, one),
    "duplicate": raw(b'{"0.weight":%s,"0.weight":%s}' % ((json.dumps(entry).encode(),) * 2), one),
    "overlap": raw({"0.weight": entry, "1.weight": entry}, one),
    "gap": raw({"0.weight": entry | {"data_offsets": [8, 16]}}, one * 2),
    "dtype": raw({"0.weight": entry | {"dtype": "F99"}}, one),
    "trailing": raw({"0.weight": entry}, one * 2),
    "nested": raw(b'{"a":' + b"[" * 400),
    "empty": b"",
}.items():
    put("safetensors", name, data)


def npy(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version)
    return buffer.getvalue()


def header(text):
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


for dtype in ["|b1", "|i1", "|u1", "<i2", ">u2", "<i4", ">i8", "<u8", "<f2", ">f4", "<f4", "<f8", ">f8"]:
    put("npy", dtype.strip("|<>") + ("_be" if ">" in dtype else ""), npy(np.arange(6).reshape(2, 3).astype(dtype)))
for name, data in {
    "fortran": npy(np.asfortranarray(rng.normal(size=(3, 2, 2)))),
    "version_2": npy(rng.normal(size=3), (2, 0)),
    "version_3": npy(rng.normal(size=3), (3, 0)),
    "scalar": npy(np.array(0.5)),
    "none": npy(np.zeros((0, 3))),
    "complex": npy(np.zeros(1, complex)),
    "nan": npy(np.array([1.0, np.nan])),
    "large_integer": npy(np.array([2**53 + 1])),
    "gzip": gzip.compress(npy(rng.normal(size=(2, 2))), mtime=0),
    "overflow": header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"),
    "huge": header(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,)}"),
    "nested": header(b"(" * 300),
    "truncated": npy(rng.normal(size=3))[:-1],
    "empty": b"",
}.items():
    put("npy", name, data)


def npz(save, **arrays):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


bomb = io.BytesIO()
with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("x.npy", npy(np.zeros(1 << 16)))
for name, data in {
    "stored": npz(np.savez, x=rng.normal(size=(2, 2)), y=np.arange(2)),
    "deflated": npz(np.savez_compressed, x=rng.normal(size=(2, 2))),
    "zeros": bomb.getvalue(),
    "truncated": npz(np.savez, x=np.ones(2))[:-4],
    "empty": b"",
}.items():
    put("npz", name, data)

for code, dtype in {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}.items():
    images = rng.integers(0, 100, size=(2, 2, 2)).astype(dtype)
    data = bytes([0, 0, code, 3]) + struct.pack(">3I", 2, 2, 2) + images.tobytes()
    put("idx", dtype.strip(">"), data)
put("idx", "gzip", gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 3) + b"\0\1\2", mtime=0))
put("idx", "scalar", bytes([0, 0, 8, 0, 7]))
put("idx", "overflow", bytes([0, 0, 8, 3]) + b"\xff" * 12)
put("idx", "none", bytes([0, 0, 8, 1]) + b"\0" * 4)
put("idx", "type", bytes([0, 0, 10, 1]) + b"\0" * 4)
put("idx", "magic", b"PK\3\4")
put("idx", "truncated", bytes([0, 0, 14, 1]) + struct.pack(">I", 2) + one)
put("idx", "empty", b"")
