import DefaultTheme from 'vitepress/theme-without-fonts'
import { defineAsyncComponent } from 'vue'
import Cell from './Cell.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('Cell', Cell)
    // Of one page: the others do without its code.
    app.component(
      'Playground',
      defineAsyncComponent(() => import('./play/Playground.vue')),
    )
  },
}
