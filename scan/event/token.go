package event

// The tokens of BinXML ([MS-EVEN6] 2.2.12; libevtx format documentation "Binary
// XML token types"). MoreFollows is or-ed to TokenOpenElement if attributes
// follow, and to TokenAttribute and the tokens of values if another one of them
// follows.
const (
	TokenEOF                  = 0x00
	TokenOpenElement          = 0x01
	TokenCloseStart           = 0x02
	TokenCloseEmpty           = 0x03
	TokenEndElement           = 0x04
	TokenValueText            = 0x05
	TokenAttribute            = 0x06
	TokenCDATA                = 0x07
	TokenCharRef              = 0x08
	TokenEntityRef            = 0x09
	TokenPITarget             = 0x0A
	TokenPIData               = 0x0B
	TokenTemplateInstance     = 0x0C
	TokenSubstitution         = 0x0D
	TokenOptionalSubstitution = 0x0E
	TokenFragmentHeader       = 0x0F

	MoreFollows = 0x40
)
