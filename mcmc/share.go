package mcmc

import (
	"fmt"
	"io"
)

// checkShare returns an error for a share of the chains that there is not.
func (cfg EnsembleConfig) checkShare() error {
	switch {
	case cfg.Shares < 0 || cfg.Shares > cfg.Chains:
		return fmt.Errorf("mcmc: expected at most as many shares as chains, %d, got %d", cfg.Chains, cfg.Shares)
	case cfg.Share < 0 || cfg.Share >= max(cfg.Shares, 1):
		return fmt.Errorf("mcmc: expected a share from 0 up to %d, got %d", max(cfg.Shares, 1)-1, cfg.Share)
	case cfg.Shares > 1 && cfg.Thin == 0:
		return fmt.Errorf("mcmc: expected a given Thin with %d shares, which cannot measure one together, got 0", cfg.Shares)
	}
	return nil
}

// share returns the first chain of the share and the one behind the last.
func (cfg EnsembleConfig) share() (lo, hi int) {
	return population(cfg.Chains, cfg.Shares, cfg.Share)
}

// until returns the number of configurations of the chains before the given one.
func (cfg EnsembleConfig) until(chain int) int {
	return chain*(cfg.N/cfg.Chains) + min(chain, cfg.N%cfg.Chains)
}

// Merge reads the states of all shares of the run, which [Generator.Save] wrote, in the order
// of the shares, into the generator of the whole. Run then makes what the shares have not, and
// compares the chains; the result is bit by bit that of a run in one process. It returns an
// error if a state is damaged, of another configuration or number of shares, or at another
// place than its own; the generator must not be used afterwards.
func (g *Generator) Merge(shares ...io.Reader) error {
	if g.cfg.Shares > 1 {
		return fmt.Errorf("mcmc: expected the generator of the whole to merge shares into, got share %d of %d", g.cfg.Share, g.cfg.Shares)
	}
	g.done = 0
	for s, r := range shares {
		cfg := g.cfg
		cfg.Share, cfg.Shares = s, len(shares)
		if err := cfg.checkShare(); err != nil {
			return err
		}
		lo, hi := cfg.share()
		done, err := g.restore(r, cfg.fingerprint(), g.workers[lo:hi])
		if err != nil {
			return fmt.Errorf("mcmc: share %d of %d: %w", s, len(shares), err)
		}
		g.done += done
	}
	if len(shares) == 0 {
		return fmt.Errorf("mcmc: expected at least one share to merge, got none")
	}
	return nil
}
