package mcmc

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/latdiff/latdiff/stats"
)

// NotEquilibratedError reports chains that have not reached a common equilibrium, so that
// their configurations are not a sample of exp(-S).
type NotEquilibratedError struct {
	// Chain is the number of the chain that stands out most, -1 if none does.
	Chain int
	// Observable tells what shows it: "|M|", "S", "Q" of a lattice.ChargedAction, for several components "|M_0|" of one or
	// "M_0·M_1" of two of them, or "acceptance" for a chain that accepts no proposal.
	Observable string
	// RHat is the rank-normalised split-R̂ of the observable over all chains, and Limit
	// what it may be by chance; NaN where they were not measured.
	RHat, Limit float64
	// Z is the difference of hot and cold starts in standard deviations, see
	// [HotCold]; NaN without two chains of either.
	Z float64
	// Steps is the number of steps that the chain had made.
	Steps int
	// Reason says what was found and Advice what can be done.
	Reason, Advice string
}

// Error names the chain, the observable and what to do.
func (e *NotEquilibratedError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "mcmc: expected chains in equilibrium after %d steps, got %s", e.Steps, e.Reason)
	var numbers []string
	if !math.IsNaN(e.RHat) {
		numbers = append(numbers, fmt.Sprintf("R̂ = %.3g, at most %.3g by chance", e.RHat, e.Limit))
	}
	if !math.IsNaN(e.Z) {
		numbers = append(numbers, fmt.Sprintf("hot and cold starts %.1fσ apart", math.Abs(e.Z)))
	}
	if numbers != nil {
		fmt.Fprintf(&s, " (%s)", strings.Join(numbers, "; "))
	}
	return s.String() + "; " + e.Advice
}

const (
	adviseMoves  = "add a move that crosses between the regions (LocalFlip, SignFlip, InternalSymmetry or a cluster update in a Cycle), or thermalise longer"
	adviseStuck  = "choose a smaller step for the kernel, let it adapt while it thermalises, and see that S is bounded from below"
	adviseCharge = "add a move that changes the charge (that of package u1 for links in two dimensions)"
	adviseSlow   = "choose a kernel that decorrelates faster, or give Thin"
)

// The bounds of agreement. Both are passed by chance less than once in ten thousand runs.
const (
	significant = 4   // standard deviations between hot and cold starts, see significance
	largeRHat   = 1.1 // R̂ that is always allowed
	// stillSteps is the number of steps after which a chain that accepted nothing, or
	// whose action did not change, is called stuck.
	stillSteps = 50
)

// agreement compares the series of one observable between chains.
type agreement struct {
	observable  string
	rhat, limit float64
	// z is the difference of hot and cold starts and apart the largest that is allowed.
	z, apart float64
	// outlier is the first chain whose series does not change, or else the one whose mean
	// is farthest from the median of the means.
	outlier int
	// still is the outlier if its series does not change and is long, -1 otherwise.
	still int
	// frozen says that the observable is a charge which chains keep.
	frozen bool
}

func (a agreement) ok() bool {
	return a.still < 0 && !(a.rhat > a.limit) && !(math.Abs(a.z) > a.apart)
}

// compare compares the chains, whose series are cut to the length of the shortest, by an
// observable. Hot and cold starts may be apart standard deviations from each other.
func compare(observable string, series [][]float64, hot []bool, apart float64) agreement {
	a := agreement{observable: observable, rhat: math.NaN(), limit: math.NaN(), z: math.NaN(), apart: apart, still: -1, outlier: -1}
	shortest := math.MaxInt
	for _, x := range series {
		shortest = min(shortest, len(x))
	}
	if shortest == 0 {
		return a
	}
	means := make([]float64, len(series))
	cut, centred := make([][]float64, len(series)), make([][]float64, len(series))
	for c, x := range series {
		moves := false
		for _, v := range x {
			means[c] += v / float64(len(x))
			moves = moves || v != x[0]
		}
		if !moves && len(x) > 1 && a.outlier < 0 {
			a.outlier = c
			if len(x) >= stillSteps {
				a.still = c
			}
		}
		cut[c] = x[:shortest]
		centred[c] = make([]float64, len(x))
		for i, v := range x {
			centred[c][i] = v - means[c]
		}
	}
	a.z = startsApart(means, hot)
	if a.outlier < 0 {
		a.outlier = outlier(means)
	}
	if len(series) < 2 {
		return a
	}
	r, err := stats.RankRHat(cut)
	if err != nil {
		return a
	}
	// Halves of n entries with the autocorrelation time τ have R̂² - 1 = 2τ/n on average,
	// with the spread of a χ² distribution, of which five standard deviations are allowed,
	// and a factor for the uncertainty of τ. It is that within the chains, which their
	// distance from each other does not reach.
	a.rhat, a.limit = r, largeRHat
	if tau := withinTau(centred); tau > 0 {
		chance := 1.5 * 2 * tau / float64(shortest/2) * (1 + 5*math.Sqrt(2/float64(2*len(series)-1)))
		a.limit = math.Max(largeRHat, math.Sqrt(1+chance))
	}
	return a
}

// withinTau returns τ_int of series with their means removed, at least ½, and ½ where it
// cannot be measured.
func withinTau(centred [][]float64) float64 {
	g, err := stats.GammaMethod(centred, stats.GammaConfig{})
	var short *stats.TooShortError
	if err != nil && !errors.As(err, &short) || !finite(g.Tau.Value) {
		return 0.5
	}
	return math.Max(0.5, g.Tau.Value)
}

// startsApart returns Z of the means of hot and cold chains, NaN without two of either.
func startsApart(means []float64, hot []bool) float64 {
	var group [2][]float64
	for c, m := range means {
		i := 0
		if hot[c] {
			i = 1
		}
		group[i] = append(group[i], m)
	}
	if len(group[0]) < 2 || len(group[1]) < 2 {
		return math.NaN()
	}
	cold, err := stats.Mean(group[0])
	if err != nil {
		return math.NaN()
	}
	warm, err := stats.Mean(group[1])
	if err != nil {
		return math.NaN()
	}
	return welch(warm, len(group[1]), cold, len(group[0]))
}

// outlier returns the index of the mean that is farthest from the median.
func outlier(means []float64) int {
	middle := median(means)
	far := 0
	for c, m := range means {
		if math.Abs(m-middle) > math.Abs(means[far]-middle) {
			far = c
		}
	}
	return far
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// failure turns a disagreement into an error.
func (g *Generator) failure(a agreement) *NotEquilibratedError {
	e := &NotEquilibratedError{
		Chain: a.outlier, Observable: a.observable, RHat: a.rhat, Limit: a.limit, Z: a.z,
		Advice: adviseMoves, Steps: g.workers[a.outlier].chain.steps,
	}
	start := "cold"
	if g.workers[a.outlier].hot {
		start = "hot"
	}
	e.Reason = fmt.Sprintf("%s of chain %d (%s start) away from that of the others", a.observable, a.outlier, start)
	if a.still >= 0 {
		e.Reason = fmt.Sprintf("chain %d (%s start) with a constant %s", a.still, start, a.observable)
		e.Advice = adviseStuck
	}
	if a.frozen {
		e.Reason += ", another one than that of other chains"
		e.Advice = adviseCharge
	}
	return e
}

// stuck returns an error if a chain has accepted nothing in the steps of its statistics.
func (w *worker) stuck() error {
	if st := w.chain.stats; st.Steps < stillSteps || st.Accepted > 0 {
		return nil
	}
	start := "cold"
	if w.hot {
		start = "hot"
	}
	return &NotEquilibratedError{
		Chain: w.number, Observable: "acceptance", RHat: math.NaN(), Limit: math.NaN(), Z: math.NaN(),
		Steps: w.chain.steps, Advice: adviseStuck,
		Reason: fmt.Sprintf("chain %d (%s start) without an accepted proposal in its last %d steps", w.number, start, w.chain.stats.Steps),
	}
}
