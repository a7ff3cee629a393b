"""Exchange of measured series with pyerrors and ArviZ, in both directions.

    python internal/interop/check.py FOLDER

in the root of the repository, with pyerrors, arviz and zarr installed. FOLDER receives the
files. A line is printed for each comparison, and the status is 1 if one fails.
"""

import json
import os
import subprocess
import sys
import warnings

import arviz
import numpy
import pyerrors
import xarray

warnings.filterwarnings("ignore")
failed = 0


def compare(what, ours, theirs, tolerance):
    """Both numbers agree to a relative tolerance."""
    global failed
    difference = abs(ours / theirs - 1) if theirs != 0 else abs(ours)
    good = difference <= tolerance
    failed += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: {ours:.10g} and {theirs:.10g}, {difference:.1e} apart, {tolerance:.0e} allowed")


def go(*args):
    return subprocess.run(["go", "run", *args], check=True, capture_output=True, text=True).stdout


def inference_data(folder):
    """The posterior of the folder, by the ArviZ that is installed."""
    if arviz.__version__.startswith("0."):
        return arviz.InferenceData.from_datatree(xarray.open_datatree(folder, engine="zarr")).posterior
    return arviz.from_zarr(folder)["posterior"].dataset


def exported(folder, chains, tolerance):
    """A run of examples/ensemble: all observables of results.json from its series.

    Both are Γ-methods with S = 2. With several chains pyerrors subtracts the mean of each and the
    library that of all: the variances differ by about 2W+1 parts in the length of a chain. The
    errors of functions come from derivatives by finite differences over the error of the mean
    here, and by automatic differentiation there.
    """
    go("./examples/ensemble", "-out", folder, "-export", "-alg", "hmc", "-dims", "8x8", "-kappa", "0.25",
       "-chains", str(chains), "-thin", "4", "-n", "8000", "-flip=false")
    with open(os.path.join(folder, "results.json")) as f:
        results = {r["observable"]: r for r in json.load(f)["results"]}
    obs = {o.tag: o for o in pyerrors.input.json.load_json(os.path.join(folder, "series.json.gz"), verbose=False)}
    volume = 64
    obs["chi2"] = volume * (obs["m2"] - obs["m"] ** 2)
    obs["chi2_connected"] = volume * (obs["m2"] - obs["abs_m"] ** 2)
    obs["binder"] = 1 - obs["m4"] / (3 * obs["m2"] ** 2)
    obs["v_m2"] = volume * obs["m2"]
    for name, o in obs.items():
        o.gamma_method()
        if name in results:
            compare(f"{chains} chains, {name}", results[name]["value"], o.value, 1e-10)
            curved = name in ("chi2", "chi2_connected", "binder")
            compare(f"{chains} chains, error of {name}", results[name]["error"], o.dvalue, max(tolerance, 1e-3 * curved))
    tau = obs["abs_m"].e_tauint["hmc"]
    compare(f"{chains} chains, τ_int of abs_m", results["tau_int_abs_m"]["value"], tau, tolerance)

    posterior = inference_data(os.path.join(folder, "series-hmc.zarr"))
    if posterior.sizes["chain"] != chains:
        compare("number of chains in ArviZ", posterior.sizes["chain"], chains, 0)
    for name in posterior:
        compare(f"{chains} chains, ArviZ, {name}", float(posterior[name].mean()), obs[name].value, 1e-10)
    # Geyer's sequence and Wolff's window end the same sum at different places.
    mcse = float(arviz.mcse(posterior, var_names=["abs_m"])["abs_m"])
    compare(f"{chains} chains, ArviZ, error of abs_m", results["abs_m"]["error"], mcse, 0.25)


def autoregressive(rng, n):
    x, v = numpy.empty(n), rng.normal()
    for i in range(n):
        v = 0.8 * v + 0.6 * rng.normal()
        x[i] = v
    return x


def written(folder):
    """Series that pyerrors writes: complete, with strides, with gaps, and a function of two.

    τ_int is that of pyerrors. So are the errors, but for series with gaps, see
    stats.GammaMethodSteps.
    """
    rng = numpy.random.default_rng(1)
    n = 4000
    plain, other = (pyerrors.Obs([3 + autoregressive(rng, n)], ["plain|r0"]) for _ in range(2))
    stride = pyerrors.Obs([autoregressive(rng, n)], ["stride|r0"], idl=[range(10, 10 + 5 * n, 5)])
    # The mean of every replica is zero, see exported.
    parts = [autoregressive(rng, n), autoregressive(rng, n)[::2]]
    keep = numpy.flatnonzero(rng.random(n) < 0.6)
    parts[0] = parts[0][keep]
    parts = [p - p.mean() for p in parts]
    gaps = pyerrors.Obs(parts, ["gaps|r0", "gaps|r1"], idl=[[int(k) for k in keep], range(1, n + 1, 2)])
    obs = {"plain": plain, "ratio": plain / other, "stride": stride, "gaps": gaps}
    for name, o in obs.items():
        o.tag = name
    path = os.path.join(folder, "pyerrors.json.gz")
    pyerrors.input.json.dump_to_json(list(obs.values()), path)
    for ours in json.loads(go("./internal/interop", path)):
        name, o = ours["Name"], obs[ours["Name"]]
        o.gamma_method()
        if name != "gaps":
            compare(f"pyerrors' {name}", ours["Value"], o.value, 1e-10)
            compare(f"pyerrors' {name}, error", ours["Error"], o.dvalue, 1e-9)
            compare(f"pyerrors' {name}, error of τ_int", ours["TauError"], o.e_dtauint[ours["Ensemble"]], 1e-9)
        elif not 0.7 < ours["Error"] / o.dvalue < 1:
            compare("pyerrors' gaps, error, a little below", ours["Error"], o.dvalue, 0)
        compare(f"pyerrors' {name}, τ_int", ours["Tau"], o.e_tauint[ours["Ensemble"]], 1e-9)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    print(f"pyerrors {pyerrors.__version__}, ArviZ {arviz.__version__}")
    exported(os.path.join(folder, "one"), 1, 1e-10)
    exported(os.path.join(folder, "four"), 4, 0.03)
    written(folder)
    if failed:
        sys.exit(f"{failed} comparisons failed")


main()
