package powershell

import "strings"

// MayHaveSwitch is mayHaveSwitch.
func MayHaveSwitch(text string) bool { return mayHaveSwitch(text) }

// HasSwitch reports the same slowly and exactly.
func HasSwitch(text string) bool {
	for _, word := range strings.Fields(quotes.Replace(text)) {
		if isEncodedSwitch(word) {
			return true
		}
	}
	return false
}
