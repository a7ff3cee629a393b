package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Window selects how the sum over ρ(t) in τ_int is cut off.
type Window int

const (
	// WindowGamma balances the truncation error against the statistical one with the
	// criterion of Wolff, hep-lat/0306017, section 3.3. It is the default.
	WindowGamma Window = iota
	// WindowSokal takes the smallest W with W ≥ c τ_int(W) (Madras and Sokal, 1988).
	WindowSokal
	// WindowFixed takes a W that the caller gives, as the paper does with
	// t_max = 100 in (4.14).
	WindowFixed
)

// minSamples is the number of effectively independent samples below which a series
// is reported as too short.
const minSamples = 8

// GammaConfig holds the options of [GammaMethod]. The zero value is Wolff's
// automatic window with S = 2.
type GammaConfig struct {
	// Window selects the rule for W.
	Window Window
	// S is the ratio of the exponential to the integrated autocorrelation time that
	// [WindowGamma] assumes; 0 means 2.
	S float64
	// C is the factor c of [WindowSokal]; 0 means 6.
	C float64
	// W is the window of [WindowFixed], at least 1; 0 means 100, the paper's t_max.
	W int
	// MaxLag bounds W for the automatic windows; 0 means half of the longest replica.
	MaxLag int
	// TauExp, when positive, is the exponential autocorrelation time of the slowest
	// mode of the algorithm. The tail τ_exp ρ(W+1) is then added to the sum, with W
	// the last lag before ρ falls below NSigma times its error
	// (Schaefer, Sommer, Virotta, arXiv:1009.5228); Window is ignored.
	TauExp float64
	// NSigma is the significance that ends the sum in front of that tail; 0 means 1.
	NSigma float64
	// Plain leaves out the correction (1 + (2W+1)/N)/(1 + 1/N) for the bias from
	// subtracting the estimated mean (hep-lat/0306017, eq. 49): with [WindowFixed],
	// τ_int is then the bare sum (4.14).
	Plain bool
}

// Tau is an integrated autocorrelation time with its error
// 2τ√(|W + 1/2 - τ|/N) (hep-lat/0306017, eq. 42), and the window W it was summed to. For a τ of
// few steps the error is about a tenth too large.
type Tau struct {
	Estimate
	Window int
}

// GammaResult is what [GammaMethod] returns.
type GammaResult struct {
	// Mean is the mean over all replicas with its error √(2τ_int C(0)/N).
	Mean Estimate
	// ErrorOfError is the statistical error of Mean.Error,
	// Mean.Error·√((W + 1/2)/N).
	ErrorOfError float64
	// Tau is the integrated autocorrelation time.
	Tau Tau
	// Variance is the variance C(0) of a single entry, corrected for the
	// correlation of the mean with it.
	Variance float64
	// N is the number of entries in all replicas together.
	N int
	// ReplicaMeans are the means of the replicas.
	ReplicaMeans []float64
	// ReplicaP is the probability that replicas which sample the same distribution
	// have means that differ at least as much as these, by the χ² distribution with
	// one degree of freedom less than replicas (hep-lat/0306017); 1 for a single replica. Small values call for longer thermalisation.
	ReplicaP float64
	// Rho is ρ(t), t = 0 … 2W (fewer if the lags end before), without correction of
	// bias, and RhoError its error (Lüscher, hep-lat/0409106, eq. E.11).
	Rho, RhoError []float64
	// Spacing is the number of steps that is the unit of Tau and of the lags of Rho: 1,
	// but for [GammaMethodSteps].
	Spacing int
}

// ESS returns the effective number of independent samples, whose mean has the same error:
// N/(2τ_int), where every step was measured. It is 0 for a constant series, which is not
// known to have sampled anything.
func (r GammaResult) ESS() float64 {
	if r.Mean.Error == 0 {
		return 0
	}
	// Variance is C(0)(1 + x) and the squared error xC(0)(1 + 1/N), where x = 1/ESS.
	return r.Variance*(1+1/float64(r.N))/(r.Mean.Error*r.Mean.Error) - 1
}

// GammaMethod estimates the mean of an observable, its error and its integrated
// autocorrelation time from one or more replicas (independent chains of the same
// observable, of any lengths), summing the autocorrelation function up to a window,
// after Wolff, hep-lat/0306017. Deviations are taken from the mean over all
// replicas, so that chains stuck in different places have a large variance and a
// long autocorrelation time.
//
// Anticorrelated series, τ_int < 1/2, are allowed for: in the rules for the window,
// 1/2 + Σ|ρ(t)| then takes the place of τ_int(W), which says nothing about the decay
// of ρ there.
//
// A constant series, where every entry of every replica is the same, has error 0
// and τ_int = 1/2 with error 0 and W = 0. A stuck replica among moving ones is no
// special case: its distance from the common mean counts.
//
// The errors of the mean, of τ_int and of the error are right to a tenth from 80 τ_int entries
// on; of 27 τ_int they are too small, by the factors 1.3, 1.5 and 1.6 (docs/calibration.md). No
// window finds a slow mode that hardly shows: with a tenth of the variance of τ_int = 50 in
// noise, 4000 entries give an error of the mean that is 1.8 times too small, and a τ_int that is
// wrong by far more than its error. With TauExp, for which other observables or runs are needed,
// the factor is 1.2.
//
// Fewer than 8 entries cannot tell an anticorrelation from the subtraction of their own
// mean (two entries have ρ(1) = -1 whatever they are): τ_int is at least 1/2 there.
//
// GammaMethod returns [ErrEmpty] if there is no replica or an empty one,
// [ErrNotFinite], an error for a configuration out of range, and
// [ErrNegativeVariance]. It returns a [*TooShortError] together with the result if
// the window does not close within MaxLag, or if N or N/(2τ_int) is below 8; the
// estimate in that error is τ_int.
func GammaMethod(replicas [][]float64, cfg GammaConfig) (GammaResult, error) {
	res := undefinedGamma()
	cfg, err := cfg.withDefaults()
	if err != nil {
		return res, err
	}
	if len(replicas) == 0 {
		return res, ErrEmpty
	}
	longest := 0
	for r, x := range replicas {
		if err := checkSeries(x); err != nil {
			return res, fmt.Errorf("%w (replica %d)", err, r)
		}
		longest = max(longest, len(x))
	}
	return cfg.estimate(centre(replicas...), nil, 1, longest)
}

// estimate is [GammaMethod] for checked series. They are on the grid, of the given spacing and
// length of the longest replica; a nil grid is the series themselves.
func (cfg GammaConfig) estimate(c centred, g *stepGrid, spacing, longest int) (GammaResult, error) {
	res := undefinedGamma()
	res.N = c.n
	res.Spacing = spacing
	res.Mean.Value = c.mean
	res.ReplicaMeans = make([]float64, len(c.dev))
	for r, d := range c.dev {
		res.ReplicaMeans[r] = c.mean + c.scale*average(d)
	}
	if c.n < 2 || longest < 2 {
		return res, &TooShortError{What: "τ_int", N: c.n, Need: minSamples * len(c.dev), Estimate: res.Tau.Estimate}
	}
	if c.constant {
		res.Mean.Error, res.ErrorOfError, res.Variance, res.ReplicaP = 0, 0, 0, 1
		res.Tau = Tau{Estimate: Estimate{0.5, 0}}
		res.Rho, res.RhoError = []float64{1}, []float64{0}
		return res, nil
	}

	n := float64(c.n)
	if g == nil {
		g = &stepGrid{dev: c.dev}
	}
	s := cfg.sum(g, cfg.lags(longest), n)
	w, rho := s.w, s.rho
	tail := Estimate{}
	if cfg.TauExp > 0 && w+1 < len(rho) {
		// A downward fluctuation must not make the tail negative.
		tail = Estimate{cfg.TauExp * math.Abs(rho[w+1]), cfg.TauExp * s.errors.err(w+1)}
	}
	sum := 0.5
	for _, v := range rho[1 : w+1] {
		sum += v
	}
	corrected := func(sum, lags float64) float64 {
		if !cfg.Plain {
			sum *= (1 + (2*lags+1)/n) / (1 + 1/n)
		}
		return sum
	}
	tau := corrected(sum, float64(w)) + tail.Value
	// What the variance of the mean sees of the autocorrelations, 1/2 + Σ c(t)ρ(t) with the
	// part c(t) of the pairs that was measured, is τ where all were.
	seen, spread := tau, sum
	if g.present != nil {
		coverage := g.coverage(min(w+1, len(rho)-1))
		if t := slices.Index(coverage[:w+1], 0); t >= 0 {
			return res, fmt.Errorf("stats: expected measurements %d steps apart, which the autocorrelation function is summed over, got none", t*spacing)
		}
		part, lags := 0.5, 0.0
		for t := 1; t <= w; t++ {
			part += coverage[t] * rho[t]
			lags += coverage[t]
		}
		seen = corrected(part, lags) + coverage[len(coverage)-1]*tail.Value
		// Zeros in the place of a part 1-f of the entries are noise beside what is left of the
		// series, whose squared error of the mean is in proportion to this, over n/f steps.
		spread = part / math.Sqrt(g.fraction())
	}
	if c.n < minSamples {
		tau, seen = max(tau, 0.5), max(seen, 0.5)
	}
	res.Tau = Tau{Window: w, Estimate: Estimate{
		Value: tau,
		Error: math.Hypot(2*spread*math.Sqrt(math.Abs(float64(w)+0.5-sum)/n), tail.Error),
	}}
	// The lag behind the window is the start of the tail.
	res.Rho = rho[:min(max(2*w, w+1)+1, len(rho))]
	res.RhoError = make([]float64, len(res.Rho))
	for t := 1; t < len(res.Rho); t++ {
		res.RhoError[t] = s.errors.err(t)
	}
	if tau <= 0 || seen <= 0 {
		return res, fmt.Errorf("%w, got τ_int = %.3g from %d samples, which are too few to resolve their anticorrelation",
			ErrNegativeVariance, min(tau, seen), c.n)
	}
	res.Variance = c.scale * c.scale * s.gamma0 * (1 + 2*seen/n)
	res.Mean.Error = c.scale * math.Sqrt(2*seen*s.gamma0*(1+1/n)/n)
	res.ErrorOfError = res.Mean.Error * math.Sqrt((float64(w)+0.5)*g.fraction()/n)
	res.ReplicaP = replicaP(c.dev, 2*seen*s.gamma0)
	need := max(minSamples, int(math.Ceil(2*minSamples*seen)))
	if !s.closed {
		need = max(need, 2*c.n)
	}
	if c.n < need {
		return res, &TooShortError{What: "τ_int", N: c.n, Need: need, Estimate: res.Tau.Estimate}
	}
	return res, nil
}

func undefinedGamma() GammaResult {
	return GammaResult{Mean: undefined(), ErrorOfError: nan(), Tau: Tau{Estimate: undefined()},
		Variance: nan(), ReplicaP: nan()}
}

// IntegratedAutocorrelation returns τ_int of one chain; see [GammaMethod], whose
// options and errors it shares. Beside a [*TooShortError] the estimate is returned.
func IntegratedAutocorrelation(x []float64, cfg GammaConfig) (Tau, error) {
	res, err := GammaMethod([][]float64{x}, cfg)
	return res.Tau, err
}

// EffectiveSampleSize returns n/(2τ), the number of independent samples that have
// the statistical power of n samples with integrated autocorrelation time tau.
func EffectiveSampleSize(n int, tau float64) float64 { return float64(n) / (2 * tau) }

func (cfg GammaConfig) withDefaults() (GammaConfig, error) {
	if cfg.S == 0 {
		cfg.S = 2
	}
	if cfg.C == 0 {
		cfg.C = 6
	}
	if cfg.W == 0 {
		cfg.W = 100
	}
	if cfg.NSigma == 0 {
		cfg.NSigma = 1
	}
	switch {
	case cfg.Window < WindowGamma || cfg.Window > WindowFixed:
		return cfg, fmt.Errorf("stats: expected a known window rule, got %d", cfg.Window)
	case !finite(cfg.S) || cfg.S < 0:
		return cfg, fmt.Errorf("stats: expected a finite S > 0, got %v", cfg.S)
	case !finite(cfg.C) || cfg.C < 0:
		return cfg, fmt.Errorf("stats: expected a finite Sokal factor c > 0, got %v", cfg.C)
	case cfg.W < 0:
		return cfg, fmt.Errorf("stats: expected a window W ≥ 1, got %d", cfg.W)
	case cfg.MaxLag < 0:
		return cfg, fmt.Errorf("stats: expected a bound on the lags of at least 1, got %d", cfg.MaxLag)
	case !finite(cfg.TauExp) || cfg.TauExp < 0:
		return cfg, fmt.Errorf("stats: expected a finite τ_exp ≥ 0, got %v", cfg.TauExp)
	case !finite(cfg.NSigma) || cfg.NSigma < 0:
		return cfg, fmt.Errorf("stats: expected a finite number of sigma > 0, got %v", cfg.NSigma)
	}
	return cfg, nil
}

// lags returns the largest lag for which ρ is computed.
func (cfg GammaConfig) lags(longest int) int {
	n := max(longest/2, 1)
	if cfg.MaxLag > 0 {
		n = cfg.MaxLag
	}
	if cfg.Window == WindowFixed && cfg.TauExp == 0 {
		n = cfg.W
	}
	return min(n, longest-1)
}

// summation is the choice of a window together with what it was read from.
type summation struct {
	gamma0 float64
	rho    []float64
	errors bartlett
	w      int
	closed bool
}

// sum looks for the window among the first few lags and then among ever more, since
// few series need all of them.
func (cfg GammaConfig) sum(g *stepGrid, lags int, n float64) summation {
	for upTo := directLags - 1; ; upTo = 16*upTo + 15 {
		upTo = min(upTo, lags)
		s := summation{rho: g.covariances(upTo)}
		s.gamma0 = s.rho[0]
		normalise(s.rho)
		s.w, s.closed = cfg.window(s.rho, n)
		if upTo < lags && !(s.closed && 2*s.w <= upTo) {
			continue
		}
		s.errors = newBartlett(s.rho, s.w, n)
		if cfg.TauExp > 0 {
			s.w, s.closed = cfg.tailWindow(s.rho, s.errors)
			if upTo < lags && !(s.closed && 2*s.w <= upTo) {
				continue
			}
		}
		return s
	}
}

// window returns W and whether the rule was satisfied within the lags of rho.
func (cfg GammaConfig) window(rho []float64, n float64) (w int, closed bool) {
	last := len(rho) - 1
	if cfg.Window == WindowFixed && cfg.TauExp == 0 {
		return min(cfg.W, last), cfg.W <= last
	}
	tau, modulus := 0.5, 0.5
	for w := 1; w <= last; w++ {
		tau += rho[w]
		modulus += math.Abs(rho[w])
		decay := tau
		if tau <= 0.5 {
			decay = modulus
		}
		if cfg.Window == WindowSokal && cfg.TauExp == 0 {
			if float64(w) >= cfg.C*decay {
				return w, true
			}
			continue
		}
		// For ρ = exp(-t/τ), 2τ_int = coth(1/2τ); the criterion is the sign of the
		// derivative of truncation plus statistical error in W.
		if decay <= 0.5 {
			return w, true
		}
		exp := cfg.S / math.Log((2*decay+1)/(2*decay-1))
		if math.Exp(-float64(w)/exp) < exp/math.Sqrt(float64(w)*n) {
			return w, true
		}
	}
	return last, false
}

// tailWindow returns the last lag before ρ ceases to be significant.
func (cfg GammaConfig) tailWindow(rho []float64, b bartlett) (w int, closed bool) {
	for w := 1; w < len(rho); w++ {
		if rho[w] < cfg.NSigma*b.err(w) {
			return w - 1, true
		}
	}
	return len(rho) - 1, false
}

// bartlett gives the statistical covariance of ρ at different lags (Bartlett's formula;
// Lüscher, hep-lat/0409106, eq. E.11),
//
//	cov(ρ(s), ρ(t)) = 1/N Σ_{k≥1} [ρ(k+s) + ρ(k-s) - 2ρ(k)ρ(s)] [ρ(k+t) + ρ(k-t) - 2ρ(k)ρ(t)],
//
// with ρ taken as zero beyond a window, where it is noise. The terms are even in k and
// vanish at k = 0, so that the sum is half of that over all k and follows from
// R(t) = Σ_k ρ(k)ρ(k+t), whose cost is that of one Fourier transform.
type bartlett struct {
	rho, r []float64
	n      float64
}

func newBartlett(rho []float64, window int, n float64) bartlett {
	rho = rho[:min(window+1, len(rho))]
	last := len(rho) - 1
	both := make([]float64, 2*last+1)
	for t, v := range rho {
		both[last+t], both[last-t] = v, v
	}
	b := bartlett{rho: rho, r: make([]float64, len(both)), n: n}
	productSums(b.r, [][]float64{both})
	return b
}

func (b bartlett) covariance(s, t int) float64 {
	ps, pt := at(b.rho, s), at(b.rho, t)
	return (at(b.r, max(s-t, t-s)) + at(b.r, s+t) - 2*ps*at(b.r, t) - 2*pt*at(b.r, s) + 2*ps*pt*b.r[0]) / b.n
}

// err returns the error of ρ(t). Rounding may leave a variance below zero.
func (b bartlett) err(t int) float64 { return math.Sqrt(max(b.covariance(t, t), 0)) }

// at returns x[t], and zero beyond its end.
func at(x []float64, t int) float64 {
	if t < len(x) {
		return x[t]
	}
	return 0
}

// replicaP returns the probability of the χ² of the replica means, C being the
// variance of √N times a mean.
func replicaP(dev [][]float64, c float64) float64 {
	if len(dev) < 2 {
		return 1
	}
	chi2 := 0.0
	for _, d := range dev {
		m := average(d)
		chi2 += float64(len(d)) * m * m
	}
	return chi2Probability(chi2/c, len(dev)-1)
}

// chi2Probability returns the probability of a χ² at least as large.
func chi2Probability(chi2 float64, dof int) float64 {
	return mathext.GammaIncRegComp(float64(dof)/2, chi2/2)
}

func average(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s / float64(len(x))
}
