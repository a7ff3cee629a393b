// Package phi4 holds what is special to the φ⁴ theories
//
//	S = Σ_x [ -2κ Σ_µ φ(x)·φ(x+µ̂) + (1-2λ) φ(x)·φ(x) + λ (φ(x)·φ(x))² ]
//
// of one or more components: [HoppingPath], the way from independent sites to any κ.
package phi4
