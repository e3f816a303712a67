# Writes OUTPUT with the release and the git revision of SOURCE (empty outside a git checkout).
execute_process(COMMAND git -C ${SOURCE} describe --always --tags
                OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
file(WRITE ${OUTPUT} "inline constexpr char kRelease[] = \"${RELEASE}\";\n"
                     "inline constexpr char kRevision[] = \"${revision}\";\n")
