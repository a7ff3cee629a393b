package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/pretrained"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
)

// writeFamily measures a family at a list of couplings and writes it with its card.
func writeFamily(ctx context.Context, b compute.Backend, card pretrained.Card, file, at, out string, seed uint64) error {
	family, err := diffusion.LoadFamily(file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	c := pretrained.FamilyCard{
		Dims: family.Layout().Dims(), Lambda: card.Lambda, Kappas: family.Couplings(),
		Command: card.Command, Data: card.Data, Hardware: card.Hardware, Minutes: card.Minutes,
		Proposals: card.Proposals, Integrator: card.Integrator, FlowSteps: card.FlowSteps,
	}
	c.Name = fmt.Sprintf("phi4-%s-kappa%s-%s-lambda%s", lattice.FormatDims(c.Dims), number(c.Kappas[0]), number(c.Kappas[len(c.Kappas)-1]), number(c.Lambda))
	var f *flow.ProbabilityFlow
	for entry := range strings.SplitSeq(at, ",") {
		kappa, err := strconv.ParseFloat(entry, 64)
		if err != nil {
			return fmt.Errorf("expected a list of numbers as -at, got %q", at)
		}
		action, err := lattice.NewPhi4(family.Layout().Lattice, kappa, c.Lambda)
		if err != nil {
			return err
		}
		m, err := family.At(action)
		if err != nil {
			return err
		}
		if f == nil {
			f, err = flow.New(b, m, flow.Config{Integrator: integrator, Steps: c.FlowSteps})
		} else {
			err = f.SetModel(m)
		}
		if err != nil {
			return err
		}
		task := progress.New(os.Stderr).Start(ctx, "κ = "+entry)
		err = measureFlow(ctx, f, action, &card, seed)
		task.Done(err)
		if err != nil {
			return err
		}
		c.Points = append(c.Points, pretrained.Point{
			Kappa: kappa, SDLogW: card.SDLogW, ESS: card.ESS, Acceptance: card.Acceptance,
			MaxWeightShare: card.MaxWeightShare, ParetoK: card.ParetoK, StepError: card.StepError, LogZ: card.LogZ,
		})
	}
	encoded, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err
	}
	fmt.Println(string(encoded))
	if err := write(filepath.Join(out, c.Name+".npz"), text); err != nil {
		return err
	}
	return write(filepath.Join(out, c.Name+".json"), append(encoded, '\n'))
}

// measureFlow fills in the numbers of a card.
func measureFlow(ctx context.Context, f *flow.ProbabilityFlow, action lattice.Action, card *pretrained.Card, seed uint64) error {
	s, err := f.Sample(ctx, card.Proposals, seed)
	if err != nil {
		return err
	}
	card.StepError, err = f.StepError(ctx, s.Ensemble.Slice(0, min(card.Proposals, stepErrorFields)), s.LogQ, seed)
	if err != nil {
		return err
	}
	return measure(card, s.Ensemble.Measure(nil, action.Value), s.LogQ)
}
