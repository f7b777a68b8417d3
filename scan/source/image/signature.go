package image

// What disk images begin with, at offset 0 where nothing else is said. The
// sources are those of the files that read them.
const (
	EWFSignature      = "EVF\x09\x0D\x0A\xFF\x00"
	VHDXSignature     = "vhdxfile"
	VHDSignature      = "conectix" // of the last sector, and of a copy at the start
	VMDKSignature     = "KDMV"
	COWDSignature     = "COWD"
	SESparseSignature = "\xBE\xBA\xFE\xCA\x00\x00\x00\x00"
	QCOW2Signature    = "QFI\xFB"
	VDISignature      = "\x7F\x10\xDA\xBE" // at offset 64

	QEDSignature          = "QED\x00"
	ParallelsSignature    = "WithoutFreeSpace"
	ParallelsExtSignature = "WithouFreSpacExt"
)

// What volumes begin with, at offset 3 where nothing else is said, and the
// header of a GPT in the second sector of a disk.
const (
	NTFSSignature      = "NTFS    "
	BitLockerSignature = "-FVE-FS-"
	BitLockerToGoGUID  = "\x3B\xD6\x67\x49\x29\x2E\xD8\x4A\x83\x99\xF6\xA3\x39\xE3\xD0\x01" // at offset 424
	ReFSSignature      = "ReFS\x00\x00\x00\x00"
	ExFATSignature     = "EXFAT   "
	FAT32Signature     = "FAT32   "     // at offset 82
	FATSignature       = "FAT1"         // at offset 54
	LVMSignature       = "LABELONE"     // at offset 512
	LUKSSignature      = "LUKS\xBA\xBE" // at offset 0
	ExtSignature       = "\x53\xEF"     // at offset 1080
	XFSSignature       = "XFSB"         // at offset 0
	APFSSignature      = "NXSB"         // at offset 32
	GPTSignature       = "EFI PART"
)
