// Package stats holds the statistics of Markov chains and of log-weights: means
// and errors of correlated series, resampling of non-linear estimators,
// autocorrelation times, convergence diagnostics, importance weights.
//
// A series is a []float64 with one entry per configuration, in the order of the
// Markov chain. Several chains of the same observable are replicas, [][]float64,
// and may differ in length. Results with an error are an [Estimate], which prints
// as 0.5480(25).
//
// Integrated autocorrelation times follow (4.14) of arXiv:2309.17082,
//
//	τ_int = 1/2 + Σ_{t≥1} C(t)/C(0),
//
// in units of the spacing of the series, so that independent samples have
// τ_int = 1/2, the variance of a mean is 2τ_int C(0)/N, and N entries are worth
// N/(2τ_int) independent ones. [GammaMethod] is the estimator behind every error
// that takes autocorrelation into account; functions with a blocks argument use
// it to choose a block length when blocks ≤ 0.
//
// # Where to look
//
//   - a mean and its error: [GammaMethod], [Mean] for independent samples
//   - χ₂, U_L, ⟨|M|⟩ of an ensemble: [Susceptibility], [ConnectedSusceptibility],
//     [BinderCumulant], [AbsMean]
//   - any function of means: [GammaFunc], [Jackknife], [Bootstrap]
//   - slow modes and thermalisation: [IntegratedAutocorrelation], [FitTauExp],
//     [RankRHat], [BulkESS], [KolmogorovSmirnov2]
//   - generative models: [LogWeightStats], [ParetoSmooth], [Regress], [R2Coefficient], [Reweight], [Resample],
//     [BridgeLogZ]
//   - an approximation or a coupling that changes a little: [Response]
//   - a critical point from simulations beside it: [BinderCrossing],
//     [CouplingSeries.CouplingAt]; scaling: [FitPowerLaw]
//   - comparison of results: [Estimate.Pull], [Estimate.Sigma], [WeightedMean], [Chi2]
//
// # Errors
//
// A NaN or infinite entry gives [ErrNotFinite], an empty series [ErrEmpty], weights
// that all vanish [ErrZeroWeight]. A series that is too short for what was asked
// gives a [*TooShortError]: the estimate is then still returned, beside the error
// and in it, for the caller to judge. A constant series has τ_int = 1/2 and error 0.
package stats
