package main

import (
	"errors"
	"strconv"
)

// number implements pflag.Value for a whole number within bounds.
type number struct {
	value       *int
	least, most int
	wanted      string // what it is
}

// String implements pflag.Value.
func (n *number) String() string {
	if n.value == nil {
		return "" // pflag asks the zero value
	}
	return strconv.Itoa(*n.value)
}

// Set implements pflag.Value.
func (n *number) Set(text string) error {
	value, err := strconv.Atoi(text)
	if err != nil {
		return errors.New("must be an integer") // as pflag says it
	}
	if value < n.least || value > n.most {
		return errors.New("not " + n.wanted)
	}
	*n.value = value
	return nil
}

// Type implements pflag.Value.
func (n *number) Type() string { return "int" }
