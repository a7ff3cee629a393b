// Package pipeline holds the stages that the example programs with diffusion models
// share: reference and training ensembles, training, the reverse process, the
// probability flow, the chain that it drives, the table and the plots. Every stage
// leaves its result in the output folder and reads it back when the run continues.
package pipeline
