import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  // What test/consumers builds is run there, from the packed tarball.
  test: {
    setupFiles: ['test/setup/unpolluted.ts'],
    exclude: [...configDefaults.exclude, 'test/consumers/**'],
    // What ends a test that hangs; a busy machine is no failure.
    ...{ testTimeout: 600_000, hookTimeout: 600_000 },
  },
})
