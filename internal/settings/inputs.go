package settings

import (
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/hollow/pretrained"
	"github.com/latdiff/latdiff/lattice"
)

// Inputs are the files of the user, nil for what the program makes itself.
type Inputs struct {
	Ensemble *lattice.Ensemble // to train on
	Model    *diffusion.Model  // trained
	Start    *diffusion.Model  // whose weights the training begins with
}

// Inputs checks the options and reads the files that they name.
func (o *Options) Inputs(action *lattice.Phi4) (Inputs, error) {
	var in Inputs
	lat := action.Layout().Lattice
	err := o.Check(lat.Volume())
	if err != nil {
		return in, err
	}
	if o.Ensemble != "" {
		if in.Ensemble, err = readEnsemble(o.Ensemble, action); err != nil {
			return in, err
		}
	}
	if in.Model, err = o.readModel(action); err != nil {
		return in, err
	}
	if o.Start != "" {
		if in.Start, err = diffusion.LoadModel(o.Start); err != nil {
			return in, err
		}
		if _, ok := in.Start.Network().(*hollow.Network); !ok || in.Start.Layout().Dim() != lat.Dim() {
			return in, fmt.Errorf("expected a hollow model in %d dimensions to start from, got %s on %v", lat.Dim(), in.Start.Network().Kind(), in.Start.Layout())
		}
	}
	return in, nil
}

// Files are the names of the files that the options give.
func (o *Options) Files() []string {
	var files []string
	for _, name := range []string{o.Ensemble, o.Model, o.Start} {
		switch name {
		case "", UNet, Hollow, Gaussian, Pretrained:
		default:
			files = append(files, name)
		}
	}
	return files
}

// readEnsemble reads an ensemble that a model can be trained on.
func readEnsemble(file string, action *lattice.Phi4) (*lattice.Ensemble, error) {
	ens, err := lattice.ReadEnsemble(file)
	if err != nil {
		return nil, err
	}
	if ens.Len() < Least {
		return nil, fmt.Errorf("%s: expected at least %d configurations to train on, got %d", file, Least, ens.Len())
	}
	if _, err := diffusion.Measure(action, ens); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return ens, nil
}

// readModel returns the trained model that the options name, nil if there is none.
func (o *Options) readModel(action *lattice.Phi4) (*diffusion.Model, error) {
	switch o.Model {
	case UNet, Hollow, Gaussian:
		return nil, nil
	case Pretrained:
		card, ok := pretrained.Find(action)
		if !ok {
			return nil, nil
		}
		return card.Load()
	}
	m, err := diffusion.LoadModel(o.Model)
	if err != nil {
		return nil, err
	}
	return m, m.CheckAction(action)
}
