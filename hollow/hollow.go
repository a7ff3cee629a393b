package hollow

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/latdiff/latdiff/diffusion"
)

const kind = "hollow"

func init() {
	diffusion.RegisterNetwork(kind, func(config json.RawMessage) (*Network, error) {
		// Networks from before there were pairs have none.
		cfg := Config{Pairs: -1}
		if err := json.Unmarshal(config, &cfg); err != nil {
			return nil, fmt.Errorf("hollow: malformed configuration: %w", err)
		}
		return New(cfg)
	})
}

// Config describes a [Network]. The zero value is the default network.
type Config struct {
	// Range is the largest distance per direction that the learned kernels reach; on a
	// lattice whose extents are at most 2·Range + 1 they cover all of it. The Wiener
	// filtered part of the context has no such limit. Default 4.
	Range int `json:"range"`
	// Features is the number of functions of the field at one site. Default 8.
	Features int `json:"features"`
	// Channels is the number of fields in the context. Default 32.
	Channels int `json:"channels"`
	// Edges is the number of further fields in the context that see how pairs of other sites
	// act together: sums over the neighbours of a site of sigmoids of what they and the sites
	// around them, without the site itself, add up to. They pay at strong coupling; a model
	// of an ordered phase cannot have them. Default 0.
	Edges int `json:"edges,omitempty"`
	// Profiles is the number of kernels per channel, mixed with coefficients that
	// depend on the noise level. Default 4.
	Profiles int `json:"profiles"`
	// Hidden is the width of the two hidden layers of G. Default 48.
	Hidden int `json:"hidden"`
	// Head is the number of sigmoids in the smoothed part. Default 16.
	Head int `json:"head"`
	// Pairs is the number, even, of products in the smoothed part, of functions of the smoothed
	// field at two places; see the package comment. They belong to odd networks for fields of one
	// component; others have none. Default 8; negative: none.
	Pairs int `json:"pairs"`
	// Gradients is the number of sigmoids in the smoothed part of differences between neighbouring
	// sites. They pay near a critical point at strong coupling, and belong to fields of one
	// component; others have none. Default 0.
	Gradients int `json:"gradients,omitempty"`
	// Local leaves out the zero mode φ_0 = Σ_x φ(x)/√V, by which, in units of its standard
	// deviation, every site otherwise knows the magnetisation. What that means for the
	// score depends on the volume: choose Local for a model that is to be moved to other
	// lattices.
	Local bool `json:"local"`
	// Embedding is the width of the embedding of the noise level. Default 32.
	Embedding int `json:"embedding"`
	// Parity says whether the network is odd in the field. If it is not, there are offsets
	// that depend on the noise level. Left open, it is that of the action.
	Parity diffusion.Parity `json:"parity,omitempty"`
	// Components says how the components of a field are treated. Left open, they are those
	// of a Vector where the action is invariant under their rotations, else Separate.
	Components Components `json:"components,omitempty"`
	// Directions are the classes of the directions of the lattice, numbered from zero:
	// kernels are symmetric under the exchange of directions of the same class. Left open,
	// all directions are alike, or for an action whose symmetries are known those of equal
	// extent, if it allows their exchange.
	Directions []int `json:"directions,omitempty"`
}

// Components says how a network treats the components of a field.
type Components string

const (
	// AutoComponents leaves the choice to the symmetries of the action.
	AutoComponents Components = ""
	// Vector treats the field as a vector per site: the network is equivariant under O(N).
	// It has as many weights as one for a field with one component.
	Vector Components = "vector"
	// Separate treats every component by itself, with weights of its own.
	Separate Components = "separate"
)

// Network is the network; see the package comment. Since no weight depends on the size
// of the lattice, a trained model can be moved to another one of the same dimension by
// [diffusion.Model.OnLattice]; that is sensible if it is Local and the kernels did not
// reach around the lattice of the training.
type Network struct {
	cfg Config
}

var _ diffusion.ExactNetwork = (*Network)(nil)

// maxSize bounds every size in a [Config], which may be from a file.
const maxSize = 1 << 12

// New returns a network. It returns an error if a size in cfg is negative or above 4096, or for unknown
// Components or Directions.
func New(cfg Config) (*Network, error) {
	for _, d := range []struct {
		size  *int
		value int
	}{
		{&cfg.Range, 4}, {&cfg.Features, 8}, {&cfg.Channels, 32}, {&cfg.Profiles, 4},
		{&cfg.Hidden, 48}, {&cfg.Head, 16}, {&cfg.Embedding, 32},
	} {
		if *d.size == 0 {
			*d.size = d.value
		}
		if *d.size < 0 || *d.size > maxSize {
			return nil, fmt.Errorf("hollow: expected sizes from 0 to %d, got %+v", maxSize, cfg)
		}
	}
	if err := cfg.Parity.Check(); err != nil {
		return nil, fmt.Errorf("hollow: %w", err)
	}
	switch cfg.Components {
	case AutoComponents, Vector, Separate:
	default:
		return nil, fmt.Errorf("hollow: expected the components %q, %q or none given, got %q", Vector, Separate, string(cfg.Components))
	}
	for _, class := range cfg.Directions {
		if class < 0 || class >= len(cfg.Directions) {
			return nil, fmt.Errorf("hollow: expected classes from 0 to %d of %d directions, got %v", len(cfg.Directions)-1, len(cfg.Directions), cfg.Directions)
		}
	}
	if cfg.Edges < 0 || cfg.Edges > maxSize || cfg.Gradients < 0 || cfg.Gradients > maxSize || cfg.Pairs > maxSize {
		return nil, fmt.Errorf("hollow: expected sizes from 0 to %d, got %+v", maxSize, cfg)
	}
	switch {
	case cfg.Pairs == 0:
		cfg.Pairs = 8
	case cfg.Pairs < 0:
		cfg.Pairs = -1
	case cfg.Pairs%2 != 0:
		return nil, fmt.Errorf("hollow: expected an even number of pairs, got %d", cfg.Pairs)
	}
	return &Network{cfg: cfg}, nil
}

// contextSize returns the number of fields in the context.
func (c *Config) contextSize() int { return c.Channels + c.Edges }

// Default returns the network with the zero [Config], which adapts to the theory.
func Default() *Network {
	n, err := New(Config{})
	if err != nil {
		panic(err) // the zero configuration is valid
	}
	return n
}

// Kind returns "hollow".
func (n *Network) Kind() string { return kind }

// Config returns the [Config], with the defaults filled in.
func (n *Network) Config() any { return n.cfg }

// LearningRate returns 5e-3, which suits the network at its default size.
func (n *Network) LearningRate() float64 { return 5e-3 }

// Adapt returns the network with the choices for the theory that its configuration leaves
// open. It returns an error for a lattice of a single site, where there is no context, for
// lifted angles, for an action without translations or reflections, and for choices that the symmetries of
// the action, or the layout, do not allow.
func (n *Network) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	s := t.Symmetries
	switch {
	case t.Volume() < 2:
		return nil, fmt.Errorf("hollow: expected a lattice of more than one site, got %v", t.Layout)
	case len(t.Fixed()) > 0:
		return nil, fmt.Errorf("hollow: expected fields that noise moves in all directions, got %s; package plaquette has a network for lifted angles", t.Space.Kind())
	case s != nil && !(s.Translation && s.Reflection):
		return nil, fmt.Errorf("hollow: expected an action that is invariant under translations and reflections, got one that is not")
	}
	cfg := n.cfg
	var err error
	if cfg.Parity, err = cfg.Parity.Resolve(t); err != nil {
		return nil, fmt.Errorf("hollow: %w", err)
	}
	if err := cfg.setComponents(t); err != nil {
		return nil, err
	}
	if err := cfg.setDirections(t); err != nil {
		return nil, err
	}
	if t.Components > 1 || cfg.Parity == diffusion.NoParity {
		cfg.Pairs = -1
	}
	if t.Components > 1 {
		cfg.Gradients = 0
	}
	return &Network{cfg: cfg}, nil
}

// setComponents chooses how components are treated.
func (c *Config) setComponents(t diffusion.Theory) error {
	rotation := t.Symmetries != nil && t.Symmetries.Rotation
	switch {
	case t.Components == 1 || c.Components == AutoComponents && (!rotation || c.Parity == diffusion.NoParity):
		c.Components = Separate
	case c.Components == AutoComponents:
		c.Components = Vector
	}
	if c.Components == Separate {
		return nil
	}
	switch {
	case t.Symmetries != nil && !rotation:
		return fmt.Errorf("hollow: expected an action that is invariant under rotations of the components for a network that is, got one that is not: leave Components open, or set it to %q", Separate)
	case c.Parity == diffusion.NoParity:
		return fmt.Errorf("hollow: expected an odd network for a vector, got the parity %q: -1 is one of its rotations", c.Parity)
	}
	return nil
}

// setDirections chooses the classes of directions.
func (c *Config) setDirections(t diffusion.Theory) error {
	if s := t.Symmetries; s != nil && c.Directions == nil {
		c.Directions = make([]int, t.Dim())
		for mu, n := range t.Dims() {
			c.Directions[mu] = mu
			if first := slices.Index(t.Dims(), n); s.Exchange {
				c.Directions[mu] = first
			}
		}
	}
	if c.Directions == nil {
		c.Directions = make([]int, t.Dim())
	}
	if len(c.Directions) != t.Dim() {
		return fmt.Errorf("hollow: expected a class for each direction of %v, got %v", t.Layout, c.Directions)
	}
	if t.Symmetries != nil && !t.Symmetries.Exchange && c.mixes(t.Dims()) {
		return fmt.Errorf("hollow: expected directions of different classes for an action that is not invariant under their exchange, got %v", c.Directions)
	}
	return nil
}

// mixes says whether there are directions of equal extent, and all such are of one class.
func (c *Config) mixes(dims []int) (mixes bool) {
	for mu, n := range dims {
		if first := slices.Index(dims, n); first != mu {
			if c.Directions[first] != c.Directions[mu] {
				return false
			}
			mixes = true
		}
	}
	return mixes
}
