package phrase

import (
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/finding"
)

// secondDecoder is what the second decoder is called.
const secondDecoder = "second decoder"

// SecondDecoder returns the second decoder's verdict on a finding, in short.
func SecondDecoder(f *finding.Finding) string {
	return secondDecoder + ": " + string(f.Crosscheck.State)
}

// SecondDecoderDiffers describes in what the second decoder differs, "" if it
// does not.
func SecondDecoderDiffers(f *finding.Finding) string {
	if f.Crosscheck.State != crosscheck.Differs {
		return ""
	}
	return secondDecoder + " differs: " + f.Crosscheck.Reason
}

// SecondDecoderReason is why the second decoder did not confirm a finding, ""
// if it did.
func SecondDecoderReason(f *finding.Finding) string {
	if f.Crosscheck.State == "" {
		return "not asked"
	}
	return f.Crosscheck.Reason
}

// SecondDecoderContext is why it was not asked about a process that is no
// finding.
const SecondDecoderContext = "context: no rule matched it"
