// libsystemc carries a main() of its own that calls sc_main; the tests' takes precedence, so this
// is never called, but the library does not link without it.
extern "C" int sc_main(int, char**) { return 0; }
