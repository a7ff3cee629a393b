// Package figure draws the plots of the example programs into PNG files in one
// style: the diffusion of fields, histograms, effective against true action,
// autocorrelation functions, and general curves, after figures 3 to 8 of
// arXiv:2309.17082.
//
// Every plot is a function of plain slices and a configuration whose zero value gives
// the defaults; it checks the data, takes a copy of what it needs, and returns a
// [Figure]. Drawing happens in [Figure.Save] and [Figure.WritePNG] only.
//
// Labels are Unicode text. An underscore or a caret sets the word after it, or the
// group in braces, as a subscript or superscript: S_eff, 10^-3, χ_2/V, e^{-t/τ}; a
// backslash takes that meaning away. Unicode superscripts, subscripts and the angle
// brackets of ⟨|M|⟩ work too. A label with a character that the font lacks is an error.
//
// Colours are those of Okabe and Ito, which colour-blind readers can tell apart; series
// also differ in their markers or dashes.
package figure
