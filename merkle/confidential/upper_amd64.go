package confidential

import processor "golang.org/x/sys/cpu"

// clean has the processor forget the upper halves of its vector registers, which gnark-crypto's assembly leaves filled. Until that is done
// crypto/sha256 takes many times as long on some processors: its instructions are of before there were such halves.
func clean() {
	if processor.X86.HasAVX {
		zeroUpper()
	}
}

func zeroUpper()
