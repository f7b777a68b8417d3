//go:build !race

package cputime

const raceEnabled = false
