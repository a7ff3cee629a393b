package pretrained

import (
	"slices"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/shipped"
	"github.com/latdiff/latdiff/lattice"
)

// FamilyCard describes one family of models, see [diffusion.Family], of φ⁴ theory on one lattice
// at one λ.
type FamilyCard struct {
	// Name is the base name of the files of the family and of the card.
	Name string `json:"name"`
	// Dims and Lambda are those of a [Card]; Kappas are the hopping parameters κ that the family
	// was trained at, rising. It has a model for every κ from the first to the last.
	Dims   []int     `json:"dims"`
	Lambda float64   `json:"lambda"`
	Kappas []float64 `json:"kappas"`
	// Command, Data, Hardware, Minutes, Proposals, Integrator and FlowSteps are those of a [Card].
	Command    string  `json:"command"`
	Data       string  `json:"data"`
	Hardware   string  `json:"hardware"`
	Minutes    float64 `json:"minutes"`
	Proposals  int     `json:"proposals"`
	Integrator string  `json:"integrator"`
	FlowSteps  int     `json:"flow_steps"`
	// Points are what was measured, by rising κ.
	Points []Point `json:"points"`
}

// Point holds the numbers of a flow at one coupling, as in a [Card].
type Point struct {
	Kappa          float64    `json:"kappa"`
	SDLogW         [2]float64 `json:"sd_log_w"`
	ESS            [2]float64 `json:"ess"`
	Acceptance     [2]float64 `json:"acceptance"`
	MaxWeightShare float64    `json:"max_weight_share"`
	ParetoK        float64    `json:"pareto_k,omitempty"`
	StepError      float64    `json:"step_error"`
	LogZ           [2]float64 `json:"log_z"`
}

// Families returns the cards of all families, ordered by name.
func Families() []FamilyCard {
	return shipped.Cards[FamilyCard](files, "families")
}

// FindFamily returns the card of the family for the lattice and the parameters of the action, and
// whether there is one.
func FindFamily(action *lattice.Phi4) (FamilyCard, bool) {
	p := action.Params()
	for _, c := range Families() {
		if slices.Equal(c.Dims, action.Layout().Dims()) && c.Lambda == p["lambda"] && p["kappa"] >= c.Kappas[0] && p["kappa"] <= c.Kappas[len(c.Kappas)-1] {
			return c, true
		}
	}
	return FamilyCard{}, false
}

// Load returns the family of the card.
func (c FamilyCard) Load() (*diffusion.Family, error) {
	return shipped.Model(files, "families", c.Name, diffusion.ReadFamily)
}
