package program

import "fmt"

// MaxNumbers is the largest number of float64 that a program keeps in one piece: 8 GiB.
const MaxNumbers = 1 << 30

// CheckSize returns an error if n pieces of size numbers each, asked for by the flag called
// name, are more than MaxNumbers.
func CheckSize(name string, n, size int) error {
	if size > 0 && n > MaxNumbers/size {
		return fmt.Errorf("expected -%s of at most %d, for 8 GiB of memory with %d numbers each, got %d", name, MaxNumbers/size, size, n)
	}
	return nil
}
