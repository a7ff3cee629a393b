// Package pipeline holds what the programs with diffusion models share: their flags, the
// files of a run that continues, and the stages between them, each of which is a call of
// the library behind a file of the output folder.
package pipeline
