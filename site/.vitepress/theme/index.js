import DefaultTheme from 'vitepress/theme-without-fonts'
import Cell from './Cell.vue'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('Cell', Cell)
  },
}
