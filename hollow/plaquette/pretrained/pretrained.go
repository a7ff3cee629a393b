// Package pretrained holds trained models of the lifted plaquettes of two-dimensional U(1)
// gauge theory and of the Schwinger model. One call gives a model whose flow proposes configurations to an exact Markov
// chain, on a lattice of any size:
//
//	m, err := pretrained.Load(lift)
//
// Every model has a [Card]: the theory, the data, the command that made it and the numbers
// of the flow, so that it can be judged and made again.
package pretrained

import (
	"embed"
	"fmt"
	"maps"
	"slices"

	"github.com/latdiff/latdiff/diffusion"
	_ "github.com/latdiff/latdiff/hollow/plaquette" // registers the network
	"github.com/latdiff/latdiff/internal/shipped"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
)

//go:embed models
var files embed.FS

// Card describes one model.
type Card struct {
	// Name is the base name of the files of the model and of the card.
	Name string `json:"name"`
	// Params are the couplings of the lift, see [gauge.Lift.Params], or of the action with
	// fermions, see [schwinger.Action.Params].
	Params map[string]float64 `json:"params"`
	// Dims are the extents of the lattice that the model was trained on.
	Dims []int `json:"dims"`
	// Command trained the model; Data says on what, Hardware and Minutes where and for
	// how long.
	Command  string  `json:"command"`
	Data     string  `json:"data"`
	Hardware string  `json:"hardware"`
	Minutes  float64 `json:"minutes"`
	// Points are the numbers of the flow on some lattices.
	Points []Point `json:"points"`
}

// Point holds the numbers of the flow of a model on one lattice: value and standard error.
type Point struct {
	Dims []int `json:"dims"`
	// Proposals is the number of configurations that were drawn.
	Proposals int `json:"proposals"`
	// ESS is the effective sample size over N, and ESSTheory the same as independent exact
	// configurations see it, Z/⟨w⟩ with the mean over the theory, which there are without
	// fermions.
	ESS       [2]float64 `json:"ess"`
	ESSTheory float64    `json:"ess_theory,omitempty"`
	// SDLogW is the standard deviation of log w, w = e^{-S}/q.
	SDLogW float64 `json:"sd_log_w"`
	// Acceptance is that of the independence sampler, predicted from the weights.
	Acceptance [2]float64 `json:"acceptance"`
	// LogZ is the logarithm of the partition function, and Exact that of the exact solution
	// without fermions.
	LogZ  [2]float64 `json:"log_z"`
	Exact float64    `json:"exact_log_z,omitempty"`
}

// Cards returns the cards of all models, ordered by name.
func Cards() []Card {
	return shipped.Cards[Card](files, "models")
}

// Find returns the card of the model for the couplings of the lift, whatever its lattice, and
// whether there is one.
func Find(lift *gauge.Lift) (Card, bool) { return find(lift.Params()) }

func find(params map[string]float64) (Card, bool) {
	for _, c := range Cards() {
		if maps.Equal(c.Params, params) {
			return c, true
		}
	}
	return Card{}, false
}

// Load returns the model of the card, on the lattice that it was trained on.
func (c Card) Load() (*diffusion.Model, error) {
	return shipped.Model(files, "models", c.Name, diffusion.ReadModel)
}

// Load returns the model for the couplings and the lattice of the lift. It returns an error if
// there is none; the message names those that there are.
func Load(lift *gauge.Lift) (*diffusion.Model, error) {
	c, ok := Find(lift)
	if !ok {
		return nil, unknown(lift)
	}
	m, err := c.Load()
	if err != nil {
		return nil, err
	}
	cfg, err := m.Config().Moved(lift)
	if err != nil {
		return nil, fmt.Errorf("pretrained: %w", err)
	}
	return m.OnLattice(cfg)
}

// LoadSchwinger returns the model for the couplings and the lattice of the action, whose weights
// are those of schwinger.Marginal. It returns an error if there is none; the message names those
// that there are.
func LoadSchwinger(action *schwinger.Action) (*diffusion.Model, error) {
	c, ok := find(action.Params())
	if !ok || !slices.Equal(c.Dims, action.Layout().Dims()) {
		return nil, unknown(action)
	}
	return c.Load()
}

// unknown says for which theories there are models.
func unknown(action lattice.Action) error {
	have := ""
	for _, c := range Cards() {
		have += " " + c.Name
	}
	return fmt.Errorf("pretrained: expected a theory with a trained model (one of%s), got %s", have, lattice.Describe(action))
}
