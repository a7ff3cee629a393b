package pretrained_test

import (
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/pretrained"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

var (
	stepsFlag  = flag.String("steps", "", "print the error of log q for these schemes and numbers of steps, a list like adams:18,rk4:8")
	pointsFlag = flag.String("points", "", "only for the models whose names contain this")
	fieldsFlag = flag.Int("fields", 64, "configurations of either kind")
)

// reference is the number of steps of Adams whose densities stand for the exact ones.
const reference = 54

// stepError is an error of log q: its mean and its standard deviation over configurations,
// and the quoted one.
type stepError struct{ mean, sd, quoted float64 }

func (e stepError) rms() float64 { return math.Hypot(e.mean, e.sd) }

func (e stepError) String() string {
	return fmt.Sprintf("%+.4f ± %.4f | %.4f | %.4f", e.mean, e.sd, e.rms(), e.quoted)
}

// point is a theory, its model and what the steps are judged by.
type point struct {
	b        compute.Backend
	m        diffusion.ScoreModel
	ens      *lattice.Ensemble // equilibrated
	exact    []float64         // log q of ens
	accurate *flow.ProbabilityFlow
}

func newPoint(t testing.TB, b compute.Backend, m diffusion.ScoreModel, action lattice.Action, n int) *point {
	run := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: n, Seed: 77},
		func(int) (mcmc.Kernel, error) { return mcmc.Recommended(action) }))
	p := &point{b: b, m: m, ens: run.Ensemble}
	p.accurate = p.flow(flow.Adams, reference)
	p.exact = must(p.accurate.LogProb(t.Context(), p.ens, 1)).LogQ
	return p
}

func (p *point) flow(scheme flow.Integrator, steps int) *flow.ProbabilityFlow {
	return must(flow.New(p.b, p.m, flow.Config{Integrator: scheme, Steps: steps, Batch: min(64, max(1, p.ens.Len()))}))
}

// equilibrated returns the error of LogProb of equilibrated configurations.
func (p *point) equilibrated(t testing.TB, f *flow.ProbabilityFlow) (e stepError, evaluations int) {
	l := must(f.LogProb(t.Context(), p.ens, 1))
	e = difference(l.LogQ, p.exact)
	e.quoted = must(f.StepError(t.Context(), p.ens, l.LogQ, 1))
	chunks := (p.ens.Len() + 63) / 64
	return e, l.Evaluations / chunks
}

// drawn returns the error of the densities of draws.
func (p *point) drawn(t testing.TB, f *flow.ProbabilityFlow) stepError {
	s := must(f.Sample(t.Context(), p.ens.Len(), 5))
	e := difference(s.LogQ, must(p.accurate.LogProb(t.Context(), s.Ensemble, 5)).LogQ)
	e.quoted = must(f.StepError(t.Context(), s.Ensemble, s.LogQ, 5))
	return e
}

func difference(a, b []float64) stepError {
	n, sum, squares := float64(len(a)), 0.0, 0.0
	for i := range a {
		sum += a[i] - b[i]
		squares += (a[i] - b[i]) * (a[i] - b[i])
	}
	return stepError{mean: sum / n, sd: math.Sqrt(math.Max(0, squares/n-sum/n*sum/n))}
}

// The quoted error of the steps bounds the true one, for the scheme of the defaults in both
// directions of the flow and for others in one, and the default scheme is accurate. With -steps it prints
// the errors for other schemes, on all models.
func TestStepError(t *testing.T) {
	b := backendtest.Open()
	list, n := *stepsFlag, *fieldsFlag
	if list == "" {
		list, n = "adams:9,adams:18,rk4:4", 16
	}
	if *stepsFlag != "" {
		fmt.Println("model | scheme | evaluations | log q of equilibrated configurations | rms | quoted | log q of draws | rms | quoted")
	}
	for _, card := range pretrained.Cards() {
		if *stepsFlag == "" && card.Dims[0] > 16 || !strings.Contains(card.Name, *pointsFlag) {
			continue
		}
		action := must(lattice.NewPhi4(must(lattice.New(card.Dims...)), card.Kappa, card.Lambda))
		p := newPoint(t, b, must(pretrained.Load(action)), action, n)
		for _, entry := range strings.Split(list, ",") {
			name, number, _ := strings.Cut(entry, ":")
			scheme, steps := parseScheme(t, name), must(strconv.Atoi(number))
			f := p.flow(scheme, steps)
			equilibrated, evaluations := p.equilibrated(t, f)
			errors := []stepError{equilibrated}
			byDefault := scheme == flow.Adams && steps == flow.DefaultSteps
			// The other direction costs as much again.
			if byDefault || *stepsFlag != "" {
				errors = append(errors, p.drawn(t, f))
			}
			if *stepsFlag != "" {
				fmt.Printf("%s | %s %d | %d | %v | %v\n", card.Name, name, steps, evaluations, equilibrated, errors[1])
			}
			for _, e := range errors {
				// Rms values of n numbers have relative errors of about 1/√(2n).
				if slack := 1 + 3/math.Sqrt(2*float64(n)); e.rms() > slack*e.quoted {
					t.Errorf("%s, %s in %d steps: the error of log q is %v", card.Name, name, steps, e)
				}
				if byDefault && e.rms() > 0.02 {
					t.Errorf("%s: the error of log q in the default steps is %v", card.Name, e)
				}
			}
		}
	}
}

func parseScheme(t testing.TB, name string) flow.Integrator {
	for _, i := range []flow.Integrator{flow.Adams, flow.RK4, flow.Heun, flow.Euler} {
		if i.String() == name {
			return i
		}
	}
	t.Fatalf("expected a scheme with fixed steps, got %q", name)
	return 0
}
