package mcmc

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/stats"
)

// KernelStats accumulates the [Info] of the steps of a kernel. The zero value is
// ready for use.
type KernelStats struct {
	// Steps is the number of steps.
	Steps int
	// Accepted is the number of steps with Info.Accepted.
	Accepted int
	// Divergences is the number of steps with Info.Divergent.
	Divergences int
	// MaxAbsDeltaH is the largest finite |DeltaH|.
	MaxAbsDeltaH float64
	// Finite is the number of steps with a finite exp(-DeltaH).
	Finite int

	sumProb, sumExp, sumExp2 float64
}

// Add accumulates the report of one step.
func (s *KernelStats) Add(info Info) {
	s.Steps++
	if info.Accepted {
		s.Accepted++
	}
	if info.Divergent {
		s.Divergences++
	}
	s.sumProb += info.AcceptProb
	if math.IsNaN(info.DeltaH) {
		return
	}
	if h := math.Abs(info.DeltaH); h > s.MaxAbsDeltaH && !math.IsInf(h, 0) {
		s.MaxAbsDeltaH = h
	}
	// An infinite DeltaH is a proposal of weight zero and contributes exp(-∞) = 0.
	if e := math.Exp(-info.DeltaH); !math.IsInf(e, 0) {
		s.Finite++
		s.sumExp += e
		s.sumExp2 += e * e
	}
}

// Merge adds the steps of o, as if they had been added one by one.
func (s *KernelStats) Merge(o KernelStats) {
	s.Steps += o.Steps
	s.Accepted += o.Accepted
	s.Divergences += o.Divergences
	s.MaxAbsDeltaH = max(s.MaxAbsDeltaH, o.MaxAbsDeltaH)
	s.Finite += o.Finite
	s.sumProb += o.sumProb
	s.sumExp += o.sumExp
	s.sumExp2 += o.sumExp2
}

// Acceptance returns the mean acceptance probability, NaN without steps.
func (s KernelStats) Acceptance() float64 { return s.sumProb / float64(s.Steps) }

// MeanExpDeltaH returns ⟨exp(-DeltaH)⟩ over the steps where it is finite, and
// its naive standard error, which takes the steps as independent. It is 1 in
// equilibrium for every kernel that makes one proposal and one accept step a
// transition (hybrid Monte Carlo, [MALA], [GlobalShift], [Independence]), which
// makes it a test of their correctness; for local updates it means nothing.
func (s KernelStats) MeanExpDeltaH() (mean, err float64) {
	n := float64(s.Finite)
	mean = s.sumExp / n
	return mean, math.Sqrt(max(s.sumExp2/n-mean*mean, 0) / (n - 1))
}

// String returns the acceptance, ⟨exp(-DeltaH)⟩, the largest |DeltaH|, the number of
// divergences and that of steps.
func (s KernelStats) String() string {
	if s.Steps == 0 {
		return "no steps"
	}
	mean, err := s.MeanExpDeltaH()
	return fmt.Sprintf("acceptance %.3f, ⟨exp(-ΔH)⟩ = %v, |ΔH| ≤ %.3g, %d divergences in %d steps",
		s.Acceptance(), stats.Estimate{Value: mean, Error: err}, s.MaxAbsDeltaH, s.Divergences, s.Steps)
}

func (s *KernelStats) append(b []byte) []byte {
	for _, v := range []int{s.Steps, s.Accepted, s.Divergences, s.Finite} {
		b = putUint(b, uint64(v))
	}
	for _, v := range []float64{s.MaxAbsDeltaH, s.sumProb, s.sumExp, s.sumExp2} {
		b = putFloat(b, v)
	}
	return b
}

func (s *KernelStats) decode(d *decoder) {
	for _, v := range []*int{&s.Steps, &s.Accepted, &s.Divergences, &s.Finite} {
		*v = int(d.uint())
	}
	for _, v := range []*float64{&s.MaxAbsDeltaH, &s.sumProb, &s.sumExp, &s.sumExp2} {
		*v = d.float()
	}
}
