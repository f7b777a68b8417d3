package evtx

// fragmentHeader is a fragment header with its version 1.1 and flags 0, as a
// little-endian dword.
const fragmentHeader = 0x0001010F

// instanceStart is the token of a template instance and the byte 01 that
// follows it in every log seen, as a little-endian word.
const instanceStart = 0x010C

// Limits, at least ten times what the largest real log was seen to need. What
// goes beyond them is counted as a fault and costs its record only.
const (
	maxDepth       = 64      // nested elements (seen 3 in one template)
	maxEmbedded    = 8       // BinXML values within each other (seen 1)
	maxValues      = 1024    // values of one template instance (seen 42)
	maxDefinitions = 512     // definitions compiled in a chunk (seen 41)
	maxCompiled    = 1 << 20 // bytes of definitions compiled in a chunk
	maxTokens      = 1 << 15 // tokens of one definition or template-less record
	maxFieldText   = 96 << 10
	maxOutside     = 256 // names that a definition takes from elsewhere in its chunk
)
