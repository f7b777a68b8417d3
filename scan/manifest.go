package scan

// Manifest says what a report was made of, so that it can be filed as evidence
// and made again.
type Manifest struct {
	// Version is the version of webshellscan.
	Version string
	// Inputs are all files that were looked at as logs, in the order of their
	// paths.
	Inputs []InputFile
	// Rules names the rules that were applied, by label.
	Rules []string
}

// InputFile is one input of a Manifest.
type InputFile struct {
	Path string
	// Size is in bytes.
	Size int64
	// SHA256 is the hash of those bytes in hexadecimal digits, empty if Options did
	// not ask for it or the file could not be read whole.
	SHA256 string
	// Chunks, Records, and Lost count what it holds.
	Chunks, Records, Lost int
	// Error is why it was not read, "" if it was.
	Error string
}
