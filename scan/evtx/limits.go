package evtx

// BinXML tokens ([MS-EVEN6] 2.2.12; libevtx format documentation "Binary XML
// token types"). The flag moreFollows is or-ed to openElement if attributes
// follow, and to attribute and the value tokens if another one of them follows.
const (
	tokenEOF                  = 0x00
	tokenOpenElement          = 0x01
	tokenCloseStart           = 0x02
	tokenCloseEmpty           = 0x03
	tokenEndElement           = 0x04
	tokenValueText            = 0x05
	tokenAttribute            = 0x06
	tokenCDATA                = 0x07
	tokenCharRef              = 0x08
	tokenEntityRef            = 0x09
	tokenPITarget             = 0x0A
	tokenPIData               = 0x0B
	tokenTemplateInstance     = 0x0C
	tokenSubstitution         = 0x0D
	tokenOptionalSubstitution = 0x0E
	tokenFragmentHeader       = 0x0F

	moreFollows = 0x40
)

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
