// Package npz reads and writes NumPy's files: arrays (.npy) and archives of them (.npz).
//
// It reads what NumPy reads, as far as the elements are plain numbers, and says what an
// array is otherwise. Whatever a file claims, memory is bounded by a multiple of its size.
// Errors carry no prefix: the caller names the file.
package npz
