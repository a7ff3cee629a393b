// Package pretrained holds trained [hollow] models of φ⁴ theory. One call gives a model
// whose flow proposes configurations to an exact Markov chain:
//
//	m, err := pretrained.Load(action)
//
// Families, see [Families], have models for all couplings of a range. Every model has a [Card]: the theory, the data, the command that made it and the numbers
// of the flow, so that it can be judged and made again.
package pretrained

import (
	"embed"
	"fmt"
	"slices"

	"github.com/latdiff/latdiff/diffusion"
	_ "github.com/latdiff/latdiff/hollow" // registers the network
	"github.com/latdiff/latdiff/internal/shipped"
	"github.com/latdiff/latdiff/lattice"
)

//go:embed models families
var files embed.FS

// Card describes one model.
type Card struct {
	// Name is the base name of the files of the model and of the card.
	Name string `json:"name"`
	// Dims, Kappa and Lambda are the extents of the lattice and the parameters of the
	// action (4.2) of arXiv:2309.17082.
	Dims   []int   `json:"dims"`
	Kappa  float64 `json:"kappa"`
	Lambda float64 `json:"lambda"`
	// Command trained the model; Data says on what, Hardware and Minutes where and for
	// how long.
	Command  string  `json:"command"`
	Data     string  `json:"data"`
	Hardware string  `json:"hardware"`
	Minutes  float64 `json:"minutes"`
	// Proposals is the number of configurations that were drawn through the flow, in
	// FlowSteps steps of Integrator, see package flow, for the numbers below: value and
	// standard error, by the bootstrap.
	Proposals  int    `json:"proposals"`
	Integrator string `json:"integrator"`
	FlowSteps  int    `json:"flow_steps"`
	// SDLogW is the standard deviation of log w, w = e^{-S}/q.
	SDLogW [2]float64 `json:"sd_log_w"`
	// ESS is the effective sample size over N, with its bootstrap error.
	ESS [2]float64 `json:"ess"`
	// Acceptance is that of the independence sampler, predicted from the weights.
	Acceptance [2]float64 `json:"acceptance"`
	// MaxWeightShare is the share of the largest weight in the sum of all.
	MaxWeightShare float64 `json:"max_weight_share"`
	// ParetoK is the shape k̂ of the tail of the weights, see package stats: up to 0.7 their mean
	// converges. 0 in cards that do not have it.
	ParetoK float64 `json:"pareto_k,omitempty"`
	// StepError is the estimated error of log q from the finite steps, see
	// StepError of ProbabilityFlow in package flow.
	StepError float64 `json:"step_error"`
	// LogZ is the logarithm of the partition function Z = ∫dφ e^{-S}.
	LogZ [2]float64 `json:"log_z"`
}

// Cards returns the cards of all models, ordered by name.
func Cards() []Card {
	return shipped.Cards[Card](files, "models")
}

// Find returns the card of the model for the lattice and the parameters of the action,
// and whether there is one.
func Find(action *lattice.Phi4) (Card, bool) {
	p := action.Params()
	for _, c := range Cards() {
		if slices.Equal(c.Dims, action.Layout().Dims()) && c.Kappa == p["kappa"] && c.Lambda == p["lambda"] {
			return c, true
		}
	}
	return Card{}, false
}

// Load returns the model of the card.
func (c Card) Load() (*diffusion.Model, error) {
	return shipped.Model(files, "models", c.Name, diffusion.ReadModel)
}

// Load returns the model for the lattice and the parameters of the action: one that was trained
// for them, or the member of a family. It returns an error if there is none; the message names
// what there is.
func Load(action *lattice.Phi4) (*diffusion.Model, error) {
	if c, ok := Find(action); ok {
		m, err := c.Load()
		if err != nil {
			return nil, err
		}
		if err := m.CheckAction(action); err != nil {
			return nil, fmt.Errorf("pretrained: %w", err)
		}
		return m, nil
	}
	if c, ok := FindFamily(action); ok {
		f, err := c.Load()
		if err != nil {
			return nil, err
		}
		return f.At(action)
	}
	p := action.Params()
	have := ""
	for _, c := range Cards() {
		have += " " + c.Name
	}
	for _, c := range Families() {
		have += " " + c.Name
	}
	return nil, fmt.Errorf("pretrained: expected a theory with a trained model (one of%s), got %v at κ = %v, λ = %v", have, action.Layout().Lattice, p["kappa"], p["lambda"])
}
