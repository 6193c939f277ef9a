import { defineConfig } from 'vite';

// The build is committed and embedded in the binary: names carry hashes of the contents, nothing is inlined into the
// page (its Content-Security-Policy forbids that), and the same sources give the same bytes.
export default defineConfig({
  base: '/',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': 'http://127.0.0.1:8000', '/api': 'http://127.0.0.1:8000' } },
});
