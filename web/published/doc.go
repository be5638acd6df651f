// Package published reads what an exchange has published, as it lies in folders or in
// a bucket, for those who serve it: reports on a shelf, and the transparency log.
//
// A shelf is a folder with one folder a report, of any name that does not begin with a
// dot:
//
//	reports/
//	  2026-10/
//	    bundle/        the folder of SPEC part 11
//	    bundle.zip     the same as one file, if it was published so
//	    report/        the page, index.html, if there is one
//	  2026-11/
//	  .2026-12/        is being copied, and renamed once it is whole
//
// New reports are noticed while they are served. One that is not whole yet is not
// shown: every core file of its manifest must be there with its size, and of the
// leaves all or none. What a manifest lists is handed out only if it has the digest
// that the manifest says, so that a statement's digest vouches for it.
//
// In a bucket the files of one of these lie under an [Index], which is put there last
// ([Bucket]). What was read of it is kept on this machine, and shown while the bucket
// is away.
//
// Files are opened below their folder and nowhere else; links are not followed. Nothing
// but copies is written, and no signature is verified: readers do that.
package published
