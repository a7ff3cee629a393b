package diffusion

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/npz"
	"github.com/latdiff/latdiff/lattice"
)

// A model file is a NumPy .npz archive: the member "meta" holds JSON text as bytes,
// "spectrum" and "residual" the spectra C_k and D_k if the model has a Gaussian part,
// and every other member the elements of one variable, named by its path; shapes stand in the JSON. The file of
// a trainer holds in addition the moving averages and the state of the optimizer.

const (
	formatName    = "latdiff-model"
	formatVersion = 2
)

type fileMeta struct {
	Format     string              `json:"format"`
	Version    int                 `json:"version"`
	Dims       []int               `json:"dims"`
	Components int                 `json:"components"`
	Symmetries *lattice.Symmetries `json:"symmetries,omitempty"`
	Theory     Identity            `json:"theory"`
	Seed       uint64              `json:"seed"`
	Network    string              `json:"network"`
	Config     json.RawMessage     `json:"config"`
	Gaussian   bool                `json:"gaussian"`
	Mean       []float64           `json:"mean,omitempty"`
	Order      float64             `json:"order"`
	Site       []float64           `json:"site,omitempty"`
	Quantized  bool                `json:"quantized,omitempty"`
	Lift       *lattice.Lift       `json:"lift,omitempty"`
	SigmaMin   float64             `json:"sigma_min"`
	SigmaMax   float64             `json:"sigma_max"`
	Normalize  Normalization       `json:"normalization"`
	Unscaled   bool                `json:"unscaled"`
	Condition  []float64           `json:"condition,omitempty"`
	Variables  []variableMeta      `json:"variables"`
	Training   *trainingMeta       `json:"training,omitempty"`
	Family     *familyMeta         `json:"family,omitempty"`
	Space      *spaceMeta          `json:"space,omitempty"`
}

type variableMeta struct {
	Path  string `json:"path"`
	Shape []int  `json:"shape"`
	Type  string `json:"type"`
}

// trainingMeta is the part of a training run that must agree when it is resumed,
// and how far it got.
type trainingMeta struct {
	Objective      string  `json:"objective"`
	Configurations int     `json:"configurations"`
	Others         uint64  `json:"others,omitempty"`
	Steps          int     `json:"steps"`
	First          int     `json:"first,omitempty"`
	Batch          int     `json:"batch"`
	LearningRate   float64 `json:"learning_rate"`
	Warmup         int     `json:"warmup"`
	ClipNorm       float64 `json:"clip_norm"`
	EMA            float64 `json:"ema"`
	Schedule       int     `json:"schedule"`
	Process        string  `json:"process"`
	TimeMin        float64 `json:"time_min"`
	SigmaMin       float64 `json:"sigma_min"`
	SigmaMax       float64 `json:"sigma_max"`
	Focus          float64 `json:"focus"`
	Average        int     `json:"average,omitempty"`
	NoAugmentation bool    `json:"no_augmentation"`
	Seed           uint64  `json:"seed"`
	Step           int     `json:"step"`
	SmoothedLoss   float64 `json:"smoothed_loss"`
}

// Save writes the model to path, atomically: the file holds the whole model or is
// not touched.
func (m *Model) Save(path string) error { return m.save(path, m.store.Scope(netScope), nil, nil) }

func (m *Model) save(path string, scope *model.Scope, training *trainingMeta, family *Family) error {
	config, err := json.Marshal(m.network.Config())
	if err != nil {
		return fmt.Errorf("diffusion: encoding the network configuration: %w", err)
	}
	meta := fileMeta{
		Format: formatName, Version: formatVersion, Dims: m.layout.Dims(), Components: m.layout.Components,
		Symmetries: m.cfg.Symmetries, Theory: m.cfg.Theory, Seed: m.cfg.Seed,
		Network: m.network.Kind(), Config: config, Training: training,
		Gaussian: m.spectrum != nil, Mean: m.mean, Order: m.order, Site: m.cfg.Site,
		SigmaMin: m.cfg.SigmaMin, SigmaMax: m.cfg.SigmaMax,
		Normalize: m.cfg.Normalization, Unscaled: m.cfg.Unscaled, Condition: m.cfg.Condition,
	}
	if err := meta.setSpace(m.space); err != nil {
		return err
	}
	if family != nil {
		meta.Family = family.meta()
	}
	var values []*tensors.Tensor
	for v := range scope.IterVariables() {
		value, err := v.MustValue().LocalClone()
		if err != nil {
			return fmt.Errorf("diffusion: copying variable %s: %w", v.Path(), err)
		}
		meta.Variables = append(meta.Variables, variableMeta{v.Path(), v.Shape().Dimensions, v.DType().String()})
		values = append(values, value)
	}
	text, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("diffusion: encoding the model description: %w", err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		z := npz.NewWriter(w)
		if err := m.write(z, text, meta.Variables, values, family); err != nil {
			return fmt.Errorf("diffusion: writing %s: %w", path, err)
		}
		return nil
	})
}

// write writes the members of the file.
func (m *Model) write(z *npz.Writer, text []byte, variables []variableMeta, values []*tensors.Tensor, family *Family) error {
	if err := npz.Add(z, "meta", text, len(text)); err != nil {
		return err
	}
	if m.spectrum != nil {
		if err := npz.Add(z, "spectrum", m.spectrum, len(m.spectrum)); err != nil {
			return err
		}
		if err := npz.Add(z, "residual", m.cfg.Residual, len(m.cfg.Residual)); err != nil {
			return err
		}
	}
	if family != nil {
		if err := family.write(z); err != nil {
			return err
		}
	}
	for i, v := range variables {
		if err := addVariable(z, memberName(v.Path), values[i]); err != nil {
			return err
		}
	}
	return z.Close()
}

func memberName(path string) string { return strings.TrimPrefix(path, "/") }

// addVariable writes the elements of a variable, one after the other.
func addVariable(z *npz.Writer, name string, t *tensors.Tensor) error {
	switch t.DType() {
	case dtypes.Float32:
		return addFlat[float32](z, name, t)
	case dtypes.Int64:
		return addFlat[int64](z, name, t)
	}
	return fmt.Errorf("expected float32 or int64 values of %s, got %v", name, t.DType())
}

func addFlat[T float32 | int64](z *npz.Writer, name string, t *tensors.Tensor) error {
	flat, err := tensors.CopyFlatData[T](t)
	if err != nil {
		return err
	}
	return npz.Add(z, name, flat, len(flat))
}

// LoadModel reads a model written by [Model.Save] or [Trainer.Save]; from the latter
// it takes the moving average of the weights. The package of the network must be
// linked into the program. [Model.CheckAction] tells whether the model is for the action at
// hand. It returns an error if the file is missing, truncated,
// corrupt, or of a network kind or a space that is not registered.
func LoadModel(path string) (*Model, error) {
	f, err := readFile(path)
	if err != nil {
		return nil, err
	}
	m, err := f.model()
	if err != nil {
		return nil, fmt.Errorf("diffusion: model file %s: %w", path, err)
	}
	return m, nil
}

// ReadModel reads a model as [LoadModel] does, from the size bytes of r, such as those
// of a file that is embedded in a program.
func ReadModel(r io.ReaderAt, size int64) (*Model, error) {
	f, err := readArchive(r, size)
	if err != nil {
		return nil, fmt.Errorf("diffusion: expected a model: %w", err)
	}
	m, err := f.model()
	if err != nil {
		return nil, fmt.Errorf("diffusion: model: %w", err)
	}
	return m, nil
}

// modelFile is the content of a model file.
type modelFile struct {
	meta               fileMeta
	spectrum, residual []float64
	family             []member // nil: none
	variables          []namedTensor
}

// maxModelElements bounds the size of a variable that a file may ask for.
const maxModelElements = 1 << 28

func readFile(path string) (f *modelFile, err error) {
	defer func() {
		if err != nil {
			f, err = nil, fmt.Errorf("diffusion: expected a model file, got %s: %w", path, err)
		}
	}()
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, err
	}
	return readArchive(r, info.Size())
}

func readArchive(r io.ReaderAt, size int64) (f *modelFile, err error) {
	z, err := npz.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	f = &modelFile{}
	text, _, err := npz.Read[uint8](z, "meta")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &f.meta); err != nil {
		return nil, err
	}
	if f.meta.Format != formatName || (f.meta.Version != formatVersion && f.meta.Version != spaceVersion) {
		return nil, fmt.Errorf("expected format %s version %d, or %d, got %q version %d", formatName, formatVersion, spaceVersion, f.meta.Format, f.meta.Version)
	}
	if f.meta.Gaussian {
		var errC, errD error
		f.spectrum, _, errC = npz.Read[float64](z, "spectrum")
		f.residual, _, errD = npz.Read[float64](z, "residual")
		if err := errors.Join(errC, errD); err != nil {
			return nil, err
		}
	}
	if f.meta.Family != nil {
		if err := f.readFamily(z); err != nil {
			return nil, err
		}
	}
	for _, v := range f.meta.Variables {
		size := 1
		for _, n := range v.Shape {
			if n < 1 || n > maxModelElements/size {
				return nil, fmt.Errorf("expected a plausible shape of %s, got %v", v.Path, v.Shape)
			}
			size *= n
		}
		var value *tensors.Tensor
		switch v.Type {
		case dtypes.Float32.String():
			value, err = readVariable[float32](z, v, size)
		case dtypes.Int64.String():
			value, err = readVariable[int64](z, v, size)
		default:
			err = fmt.Errorf("expected float32 or int64 values of %s, got %q", v.Path, v.Type)
		}
		if err != nil {
			return nil, err
		}
		f.variables = append(f.variables, namedTensor{v.Path, value})
	}
	return f, nil
}

func readVariable[T float32 | int64](z *npz.Reader, v variableMeta, size int) (*tensors.Tensor, error) {
	flat, _, err := npz.Read[T](z, memberName(v.Path))
	if err != nil {
		return nil, err
	}
	if len(flat) != size {
		return nil, fmt.Errorf("expected %d values of %s, got %d", size, v.Path, len(flat))
	}
	for _, x := range flat {
		if x-x != 0 {
			return nil, fmt.Errorf("expected finite values of %s, got %v", v.Path, x)
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, v.Shape...), nil
}

// maxModelTable bounds the sites times the dimensions of a model without a spectrum, whose
// tables of neighbours no file backs.
const maxModelTable = 1 << 22

// checkSites returns an error unless the lattice is of the size of the spectrum, or small:
// the tables of neighbours then take a bounded multiple of the file.
func (f *modelFile) checkSites() error {
	most := maxModelTable / max(1, len(f.meta.Dims))
	if f.meta.Gaussian {
		most = len(f.spectrum)
	}
	sites := 1
	for _, n := range f.meta.Dims {
		if n < 1 || n > most/sites {
			return fmt.Errorf("expected a lattice of at most %d sites, got the extents %s", most, lattice.FormatDims(f.meta.Dims))
		}
		sites *= n
	}
	return nil
}

// bare builds the model that the file describes, without its weights.
func (f *modelFile) bare() (*Model, error) {
	if err := f.checkSites(); err != nil {
		return nil, err
	}
	lat, err := lattice.New(f.meta.Dims...)
	if err != nil {
		return nil, err
	}
	decode, ok := networks[f.meta.Network]
	if !ok {
		return nil, fmt.Errorf("expected a registered network (is its package imported?), got %q", f.meta.Network)
	}
	network, err := decode(f.meta.Config)
	if err != nil {
		return nil, err
	}
	space, err := f.meta.space()
	if err != nil {
		return nil, err
	}
	return newModel(network, ModelConfig{
		Layout: lattice.Layout{Lattice: lat, Components: f.meta.Components}, Symmetries: f.meta.Symmetries, Theory: f.meta.Theory,
		Spectrum: f.spectrum, Mean: f.meta.Mean, Order: f.meta.Order, Residual: f.residual, Site: f.meta.Site,
		Space: space, SigmaMin: f.meta.SigmaMin, SigmaMax: f.meta.SigmaMax,
		Normalization: f.meta.Normalize, Unscaled: f.meta.Unscaled, Condition: f.meta.Condition, Seed: f.meta.Seed,
	})
}

func (f *modelFile) model() (*Model, error) {
	m, err := f.bare()
	if err != nil {
		return nil, err
	}
	weights := averaged(f.below(netScope), f.below(emaScope+netScope))
	if len(weights) == 0 {
		return nil, fmt.Errorf("expected weights under %s, got none", netScope)
	}
	m, err = m.withWeights(weights)
	if err == nil {
		m.foreign = true
	}
	return m, err
}

// below returns the variables of the file below a scope, with their paths moved to
// the scope of the network.
func (f *modelFile) below(scope string) []namedTensor {
	var out []namedTensor
	for _, v := range f.variables {
		if rest, ok := strings.CutPrefix(v.path, scope+"/"); ok {
			out = append(out, namedTensor{netScope + "/" + rest, v.value})
		}
	}
	return out
}

func (t *Trainer) meta() *trainingMeta {
	process, configurations := "", 0
	for _, s := range t.sources {
		configurations += len(s.data) / t.layout.Size()
	}
	if t.cfg.Process != nil {
		process = t.cfg.Process.String()
	}
	return &trainingMeta{
		Schedule: int(t.cfg.Schedule), Process: process, TimeMin: t.cfg.TimeMin,
		Objective: t.cfg.Objective.String(), Configurations: configurations, Others: t.others(), Steps: t.cfg.Steps, First: t.first, Batch: t.cfg.Batch,
		LearningRate: t.cfg.LearningRate, Warmup: t.cfg.Warmup, ClipNorm: t.cfg.ClipNorm, EMA: t.cfg.EMA,
		SigmaMin: t.cfg.SigmaMin, SigmaMax: t.cfg.SigmaMax, Focus: t.cfg.Focus, Average: t.cfg.Average, NoAugmentation: t.cfg.NoAugmentation, Seed: t.cfg.Seed,
		Step: t.step, SmoothedLoss: t.smoothed,
	}
}

// Save writes the complete state of the training run to path, atomically. It
// returns an error before the first step, when there is no state.
func (t *Trainer) Save(path string) error {
	if t.step == 0 {
		return fmt.Errorf("diffusion: expected at least one training step before saving, got none")
	}
	if _, err := t.settle(); err != nil {
		return err
	}
	return t.model.save(path, t.model.store.RootScope(), t.meta(), nil)
}

// Restore continues a run saved by [Trainer.Save]: weights, moving averages,
// optimizer state and step number. The trainer must be fresh, on the same ensemble,
// with the same model and configuration; then the run goes on exactly as if it had
// not been interrupted. After [Trainer.SetData] ensemble, known part and number of steps
// are those that it was given. It returns an error if anything disagrees.
func (t *Trainer) Restore(path string) error {
	if t.step > 0 {
		return fmt.Errorf("diffusion: expected a fresh trainer to restore into, got one after %d steps", t.step)
	}
	f, err := readFile(path)
	if err != nil {
		return err
	}
	if f.meta.Training == nil {
		return fmt.Errorf("diffusion: expected the state of a training run, got the finished model %s", path)
	}
	if err := t.sameModel(f); err != nil {
		return fmt.Errorf("diffusion: training state %s: %w", path, err)
	}
	saved, want := *f.meta.Training, *t.meta()
	want.Step, want.SmoothedLoss = saved.Step, saved.SmoothedLoss
	// The steps of a trainer that was given other data count from there.
	want.First, want.Steps = saved.First, want.Steps+saved.First
	if saved != want {
		return fmt.Errorf("diffusion: expected the state of a run with the same settings in %s, got others: %s (to train a finished model on, start another run from it)",
			path, differences(want, saved))
	}
	if saved.Step < 1 || saved.Step > saved.Steps {
		return fmt.Errorf("diffusion: expected the state after 1 to %d steps in %s, got one after %d", saved.Steps, path, saved.Step)
	}
	for _, v := range f.variables {
		if w := t.model.store.GetVariable(v.path); w != nil {
			if err := w.SetValue(v.value); err != nil {
				return fmt.Errorf("diffusion: variable %s: %w", v.path, err)
			}
			continue
		}
		created, err := t.model.store.CreateVariable(v.path, v.value)
		if err != nil {
			return fmt.Errorf("diffusion: variable %s: %w", v.path, err)
		}
		created.SetTrainable(false)
	}
	t.step, t.smoothed, t.first, t.cfg.Steps = saved.Step, saved.SmoothedLoss, saved.First, saved.Steps
	return nil
}

// resume restores the checkpoint, if one is configured and exists.
func (t *Trainer) resume() error {
	if t.cfg.Checkpoint == "" {
		return nil
	}
	switch _, err := os.Stat(t.cfg.Checkpoint); {
	case err == nil:
		return t.Restore(t.cfg.Checkpoint)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("diffusion: checkpoint: %w", err)
	}
	return nil
}

// differences lists the fields that differ between two runs, as in the file.
func differences(want, have trainingMeta) string {
	var list []string
	a, b := reflect.ValueOf(want), reflect.ValueOf(have)
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			list = append(list, fmt.Sprintf("%s %v in place of %v", name, y, x))
		}
	}
	return strings.Join(list, ", ")
}

// sameModel returns an error if the file describes another model than the trainer's.
func (t *Trainer) sameModel(f *modelFile) error {
	saved, err := f.bare()
	if err != nil {
		return err
	}
	if err := saved.CheckLayout(t.layout); err != nil {
		return err
	}
	if err := t.model.cfg.Theory.check(saved.cfg.Theory); err != nil {
		return err
	}
	a, errA := json.Marshal(saved.network.Config())
	b, errB := json.Marshal(t.model.network.Config())
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if saved.network.Kind() != t.model.network.Kind() || string(a) != string(b) || saved.cfg.Seed != t.model.cfg.Seed {
		return fmt.Errorf("expected the network %s %s, got %s %s", t.model.network.Kind(), b, saved.network.Kind(), a)
	}
	if saved.order != t.model.order || !slices.Equal(saved.mean, t.model.mean) || !slices.Equal(saved.spectrum, t.model.spectrum) || !slices.Equal(saved.cfg.Residual, t.model.cfg.Residual) || !slices.Equal(saved.cfg.Site, t.model.cfg.Site) || !slices.Equal(saved.cfg.Condition, t.model.cfg.Condition) || !reflect.DeepEqual(saved.space, t.model.space) {
		return fmt.Errorf("expected the spectra of the same ensemble, got others")
	}
	if saved.cfg.Normalization != t.model.cfg.Normalization || saved.cfg.Unscaled != t.model.cfg.Unscaled {
		return fmt.Errorf("expected the normalisation %+v, got %+v", t.model.cfg.Normalization, saved.cfg.Normalization)
	}
	return nil
}
