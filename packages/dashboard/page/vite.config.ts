import { defaultClientConditions, defineConfig } from 'vite'

/** Builds the page into `dist/page`: `vite build packages/dashboard/page`. */
export default defineConfig({
  // The page may be served under any path.
  base: './',
  // As the tests do: other packages are read from their source, so that the page needs no build of theirs.
  resolve: { conditions: ['@millrace/source', ...defaultClientConditions] },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2023',
    // A policy of the server forbids inline scripts; everything is a file of its own.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
})
