// Card measures a trained hollow model and writes its card: proposals are drawn
// through the flow, and the numbers of package pretrained taken from their weights.
//
//	go run ./hollow/pretrained/card -model out/model.npz -kappa 0.27 -lambda 0.022 -out hollow/pretrained/models
//
// For a family, as examples/scan trains it, at a list of couplings:
//
//	go run ./hollow/pretrained/card -model out/family.npz -at 0.20,0.235,0.27 -lambda 0.022 -out hollow/pretrained/families
//
// It writes NAME.npz, a copy of the model, and NAME.json into the folder, and the
// proposals with their log q to -proposals, if given.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/pretrained"
	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

func main() {
	program.Main("card", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

// integrator is the scheme of the flow.
const integrator = flow.Adams

// stepErrorFields is the number of proposals on which the error of the steps is measured.
const stepErrorFields = 64

func run(ctx context.Context, args []string) error {
	var card pretrained.Card
	fs := flag.NewFlagSet("card", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "Card measures a trained model and writes the card with which it is shipped.")
		fs.PrintDefaults()
	}
	model := fs.String("model", "", "model `file`")
	at := fs.String("at", "", "measure a family at this list of κ, in the place of a model at -kappa")
	out := fs.String("out", "hollow/pretrained/models", "`folder` of the model and the card")
	drawn := fs.String("proposals", "", "write the proposals to this .npz `file`")
	checkpoint := fs.String("checkpoint", "", "keep finished proposals of a model in this `file`, from which the same command goes on")
	seed := fs.Uint64("seed", 1, "seed of the proposals")
	name := fs.String("backend", "go", "GoMLX backend")
	fs.Float64Var(&card.Kappa, "kappa", 0, "hopping parameter κ")
	fs.Float64Var(&card.Lambda, "lambda", 0.022, "quartic coupling λ")
	fs.IntVar(&card.Proposals, "n", 4096, "proposals")
	fs.IntVar(&card.FlowSteps, "flow-steps", flow.DefaultSteps, "steps of the flow, one evaluation each")
	fs.StringVar(&card.Command, "command", "", "command that trained the model")
	fs.StringVar(&card.Data, "data", "", "training data")
	fs.StringVar(&card.Hardware, "hardware", "", "hardware of the training")
	fs.Float64Var(&card.Minutes, "minutes", 0, "duration of the training")
	if err := program.Parse(fs, args); err != nil {
		return err
	}
	if *at != "" && *checkpoint != "" {
		return fmt.Errorf("expected -checkpoint with a model at one -kappa, got it with -at %s", *at)
	}
	if err := os.MkdirAll(*out, 0o777); err != nil {
		return err
	}
	card.Integrator = integrator.String()
	b, err := backend.Open(*name)
	if err != nil {
		return err
	}
	if *at != "" {
		return writeFamily(ctx, b, card, *model, *at, *out, *seed)
	}
	text, err := os.ReadFile(*model)
	if err != nil {
		return err
	}
	m, err := diffusion.LoadModel(*model)
	if err != nil {
		return err
	}
	action, err := lattice.NewPhi4(m.Layout().Lattice, card.Kappa, card.Lambda)
	if err != nil {
		return err
	}
	card.Dims = m.Layout().Dims()
	card.Name = fmt.Sprintf("phi4-%s-kappa%s-lambda%s", lattice.FormatDims(card.Dims), number(card.Kappa), number(card.Lambda))
	task := progress.New(os.Stderr).Start(ctx, "proposals")
	f, err := flow.New(b, m, flow.Config{
		Integrator: integrator, Steps: card.FlowSteps, Progress: task.Set, Checkpoint: *checkpoint,
	})
	if err != nil {
		return err
	}
	s, err := f.Sample(ctx, card.Proposals, *seed)
	task.Done(err)
	if err != nil {
		return err
	}
	card.StepError, err = f.StepError(ctx, s.Ensemble.Slice(0, min(card.Proposals, stepErrorFields)), s.LogQ, *seed)
	if err != nil {
		return err
	}
	s.Ensemble.Params = action.Params()
	s.Ensemble.Extra = map[string][]float64{"action": s.Ensemble.Measure(nil, action.Value), "logq": s.LogQ}
	if err := measure(&card, s.Ensemble.Extra["action"], s.LogQ); err != nil {
		return err
	}
	if *drawn != "" {
		if err := lattice.WriteEnsemble(*drawn, s.Ensemble); err != nil {
			return err
		}
	}
	encoded, err := json.MarshalIndent(card, "", " ")
	if err != nil {
		return err
	}
	fmt.Println(string(encoded))
	if err := write(filepath.Join(*out, card.Name+".npz"), text); err != nil {
		return err
	}
	if err := write(filepath.Join(*out, card.Name+".json"), append(encoded, '\n')); err != nil {
		return err
	}
	if *checkpoint != "" {
		return os.Remove(*checkpoint)
	}
	return nil
}

// measure fills in the numbers of the card that come from the weights.
func measure(card *pretrained.Card, action, logq []float64) error {
	logw := make([]float64, len(logq))
	for i := range logw {
		logw[i] = -action[i] - logq[i]
	}
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return err
	}
	resample := func(f func(stats.LogWeights) float64) ([2]float64, error) {
		part := make([]float64, len(logw))
		r, err := stats.BootstrapFunc(len(logw), stats.BootstrapConfig{Samples: 400, Seed: 1}, func(idx []int) float64 {
			for i, j := range idx {
				part[i] = logw[j]
			}
			s, err := stats.LogWeightStats(part[:len(idx)])
			if err != nil {
				return 0
			}
			return f(s)
		})
		return [2]float64{r.Value, r.Error}, err
	}
	if card.SDLogW, err = resample(func(s stats.LogWeights) float64 { return s.SD }); err != nil {
		return err
	}
	if card.ESS, err = resample(func(s stats.LogWeights) float64 { return s.ESS.Value }); err != nil {
		return err
	}
	if card.Acceptance, err = resample(func(s stats.LogWeights) float64 { return s.Acceptance.Value }); err != nil {
		return err
	}
	card.MaxWeightShare = w.MaxShare
	if !math.IsNaN(w.ParetoK) {
		card.ParetoK = w.ParetoK
	}
	card.LogZ = [2]float64{w.LogZ.Value, w.LogZ.Error}
	return nil
}

func number(x float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(x, 'f', 6, 64), "0"), ".")
}

func write(path string, content []byte) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
