package program

// Files in the output folder of programs that train a model.
const (
	EnsembleFile  = "ensemble.npz"  // training ensemble
	HMCFile       = "hmc.npz"       // thinned HMC configurations
	TrainFile     = "train.npz"     // state of a training run
	ModelFile     = "model.npz"     // the trained model
	ReverseFile   = "dm.npz"        // reverse SDE, with log q
	ProposalsFile = "proposals.npz" // probability flow, with log q
	ResultsFile   = "results.json"
	// States of the classical runs, which are kept: they hold all their series.
	ReferenceState = "reference.state"
	HMCState       = "hmc.state"
)
