"""Writes the .npz and .npy files of this folder with NumPy.

The configurations are 2 cos(0.7 k + 0.3), rounded to multiples of 1/1024 so that
float32 holds them, k counting all numbers of the ensemble in C order.
"""
import pathlib
import numpy as np

here = pathlib.Path(__file__).parent


def fields(*shape):
    k = np.arange(np.prod(shape))
    return (np.round(2048 * np.cos(0.7 * k + 0.3)) / 1024).reshape(shape)


c = fields(3, 2, 3)
np.savez(here / "c64.npz", cfgs=c, kappa=0.21, lam=np.float32(0.5), N=3,
         accepted=True, seed=np.int16(-7), logq=np.array([1.0, 2.0, 4.0], ">f4"),
         step=np.arange(3), note="text", other=np.zeros((2, 2)),
         table=np.zeros(2, dtype=[("a", "<f8"), ("b", "<i4")]), acc_rate=np.array([0.75]))
np.savez_compressed(here / "c32_deflate.npz", cfgs=c.astype("<f4"), kappa=0.21)
np.save(here / "big_endian.npy", c.astype(">f8"))
np.save(here / "fortran.npy", np.asfortranarray(fields(3, 2, 3, 4)))
np.savez(here / "fortran32.npz", cfgs=np.asfortranarray(c.astype(">f4")))
np.save(here / "d1.npy", fields(2, 5))
with open(here / "version2.npy", "wb") as f:
    np.lib.format.write_array(f, c, version=(2, 0))
with open(here / "version3.npy", "wb") as f:
    np.lib.format.write_array(f, c, version=(3, 0))
v = fields(3, 2, 2, 3)
np.savez(here / "vector.npz", cfgs=v, components=2)
np.savez(here / "vector_fortran.npz", cfgs=np.asfortranarray(v.astype(">f4")), components=np.array([2], "u1"))
np.savez_compressed(here / "crowd.npz", cfgs=c, components=np.array(["a", "b"]), **{
    "run 1/kappa": 0.21, "a\\b": 1.0, "wide": np.zeros(2, [("field%04d" % i, "<f8") for i in range(3000)]),
    "zeros": np.zeros((1 << 11, 1 << 11))})
for t in ("float16", "int64", "bool", "complex64", "complex128", "longdouble"):
    np.save(here / (t + ".npy"), c.astype(t))
np.save(here / "structured.npy", np.zeros((3, 2, 3), dtype=[("re", "<f8"), ("im", "<f8")]))
