package evtxtest

// The BinXML tokens ([MS-EVEN6] 2.2.12). tokenMore is added where more of the
// same follows: to an open start element that has attributes, to an attribute
// that is not the last, to character data before further character data.
const (
	tokenEOF              = 0x00
	tokenOpenStart        = 0x01
	tokenCloseStart       = 0x02
	tokenCloseEmpty       = 0x03
	tokenEndElement       = 0x04
	tokenValueText        = 0x05
	tokenAttribute        = 0x06
	tokenCDATA            = 0x07
	tokenCharRef          = 0x08
	tokenEntityRef        = 0x09
	tokenPITarget         = 0x0A
	tokenPIData           = 0x0B
	tokenTemplateInstance = 0x0C
	tokenSubstitution     = 0x0D
	tokenOptional         = 0x0E
	tokenFragmentHeader   = 0x0F
	tokenMore             = 0x40
)

// NoDependency is the dependency identifier of an element that depends on no
// value.
const NoDependency = 0xFFFF
