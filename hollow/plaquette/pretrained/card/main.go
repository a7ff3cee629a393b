// Card writes the card with which a model is shipped, from runs of examples/gauge or
// examples/schwinger with it.
//
//	go run ./hollow/plaquette/pretrained/card -runs out-16,out-32 -out hollow/plaquette/pretrained/models
//
// The first run is the one that trained the model, the others have it on other lattices. It
// copies the model to NAME.npz and writes NAME.json.
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
	"strings"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow/plaquette/pretrained"
	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
)

func main() {
	program.Main("card", func(ctx context.Context) error { return run(os.Args[1:]) })
}

func run(args []string) error {
	var card pretrained.Card
	fs := flag.NewFlagSet("card", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "Card writes the card with which a model is shipped.")
		fs.PrintDefaults()
	}
	runs := fs.String("runs", "", "output `folders` of the program, a list; the first one trained the model")
	out := fs.String("out", "hollow/plaquette/pretrained/models", "`folder` of the model and the card")
	fs.StringVar(&card.Hardware, "hardware", "", "hardware of the training")
	fs.Float64Var(&card.Minutes, "minutes", 0, "duration of the training")
	if err := program.Parse(fs, args); err != nil {
		return err
	}
	folders := strings.Split(*runs, ",")
	m, err := diffusion.LoadModel(filepath.Join(folders[0], "model.npz"))
	if err != nil {
		return err
	}
	card.Params, card.Dims = m.Config().Theory.Params, m.Layout().Dims()
	for i, folder := range folders {
		text, err := os.ReadFile(filepath.Join(folder, program.ResultsFile))
		if err != nil {
			return err
		}
		var file results.File
		if err := json.Unmarshal(text, &file); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		if i == 0 {
			p := file.Parameters
			card.Name = fmt.Sprintf("u1-beta%v", p["beta"])
			card.Command = fmt.Sprintf("go run ./examples/gauge -dims %v -beta %v -model %v -n %v -steps %v -seed %v", p["dims"], p["beta"], p["model"], p["n"], p["steps"], p["seed"])
			card.Data = fmt.Sprintf("%v independent configurations, package mcmc/u1, on %v, lifted", p["n"], p["dims"])
			if kappa, ok := p["kappa"]; ok {
				card.Name = fmt.Sprintf("schwinger-%v-beta%v-kappa%v", p["dims"], p["beta"], kappa)
				card.Command = fmt.Sprintf("go run ./examples/schwinger -dims %v -beta %v -kappa %v -n %v -steps %v -seed %v", p["dims"], p["beta"], kappa, p["n"], p["steps"], p["seed"])
				card.Data = fmt.Sprintf("%v independent draws of the pure theory at β = %v on %v, accepted by the ratio of the weights", p["n"], p["proposal_beta"], p["dims"])
			}
		}
		point, err := pointOf(&file)
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		card.Points = append(card.Points, point)
	}
	base := filepath.Join(*out, card.Name)
	if err := m.Save(base + ".npz"); err != nil {
		return err
	}
	return atomicfile.Write(base+".json", func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(card)
	})
}

// pointOf returns the numbers of one run.
func pointOf(file *results.File) (p pretrained.Point, err error) {
	if p.Dims, err = lattice.ParseDims(fmt.Sprint(file.Parameters["dims"])); err != nil {
		return p, err
	}
	n, ok := file.Parameters["samples"].(float64)
	if !ok {
		return p, fmt.Errorf("expected a number of samples, got %v", file.Parameters["samples"])
	}
	p.Proposals = int(n)
	for _, x := range []struct {
		name         string
		value, error *float64
	}{
		{"ess", &p.ESS[0], &p.ESS[1]}, {"ess_theory", &p.ESSTheory, nil}, {"sd_log_w", &p.SDLogW, nil},
		{"predicted_acceptance", &p.Acceptance[0], &p.Acceptance[1]}, {"log_z", &p.LogZ[0], &p.LogZ[1]}, {"log_z_exact", &p.Exact, nil},
	} {
		e, ok := file.Get("dmmc", x.name)
		if !ok && file.Parameters["kappa"] != nil && x.error == nil {
			continue // what is known without fermions only
		}
		if !ok || math.IsNaN(e.Value) {
			return p, fmt.Errorf("expected the result %s of dmmc, got none", x.name)
		}
		*x.value = e.Value
		if x.error != nil {
			*x.error = e.Error
		}
	}
	return p, nil
}
